"""Reading a file in a process of its own: `python -m duihua.transfer.formats.apart FILE > what is in it`.

Who reads JSON holds the interpreter until all of it is read: a hundred megabytes stop every stream for half a
second, and what they took in memory is not given back. Here that is another process, with a bounded memory.
It tells what it finds in MessagePack, each part after its length, so that nobody takes in more than a message
or a piece of a file at a time.
"""

import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from duihua.core import isolated
from duihua.transfer.archive import Archive, ArchivedConversation, ArchivedFile, ArchivedMessage
from duihua.transfer.formats import detecting
from duihua.transfer.found import BrokenArchive, Found, UnreadableFile
from duihua.transfer.threads import Stop

_MEMORY_BYTES = 2 * 2**30
_PIECE_BYTES = 2**20
_LENGTH_BYTES = 4
_NO_MEMORY = 3
# As much as a pipe holds. A thread that lets go of the interpreter for a moment, again and again within the
# time after which the event loop would ask for it, keeps the loop waiting for ever: read 8 KiB at a time, for
# more than a second.
_BUFFER_BYTES = 64 * 1024


class _Part(msgspec.Struct, tag=True, array_like=True):
    """Of what was found: its beginning, messages, files piece by piece, and its end."""


class _Begin(_Part):
    conversation: ArchivedConversation


class _Message(_Part):
    message: ArchivedMessage


class _Piece(_Part):
    file_id: str
    content: bytes


class _End(_Part):
    place: str
    done: int
    program: str


class _Broken(_Part):
    place: str
    done: int
    program: str
    values: dict[str, Any]


class _Unreadable(_Part):
    reason: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Begin | _Message | _Piece | _End | _Broken | _Unreadable)


def read(path: Path, stop: Stop) -> Generator[Found, None, None]:
    """As `detecting.found_in`; what takes more memory than that process has is told as broken.

    Raises:
        UnreadableFile, and why this thread was asked to stop: it does not wait for that process then.
    """
    with _started(path) as process, stop.ending(process.kill):
        done = 0
        try:
            assert process.stdout is not None
            for found in _put_together(process.stdout):
                done = found.done
                yield found
            status = process.wait()
            if status:
                stop.check()
            if status == _NO_MEMORY or status < 0:
                yield Found("", BrokenArchive(reason="takes more memory than it is given to be read"), done)
            elif status:
                raise RuntimeError(f"the reader of an import ended with {status}; its error is in the log")
        finally:
            process.kill()


def _started(path: Path) -> subprocess.Popen[bytes]:
    arguments, environment = isolated.command(__name__, str(path))
    return subprocess.Popen(
        arguments,
        bufsize=_BUFFER_BYTES,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
    )


def _put_together(told: IO[bytes]) -> Iterator[Found]:
    archive: Archive | None = None
    pieces: dict[str, list[bytes]] = {}
    while part := _next(told):
        match part:
            case _Begin(conversation):
                archive, pieces = Archive(conversation, []), {}
            case _Message(message):
                assert archive is not None
                archive.messages.append(message)
            case _Piece(file_id, content):
                pieces.setdefault(file_id, []).append(content)
            case _End(place, done, program):
                assert archive is not None
                archive.files = {name: ArchivedFile(b"".join(some)) for name, some in pieces.items()}
                yield Found.of(place, archive, done, program)
            case _Broken(place, done, program, values):
                yield Found.of(place, BrokenArchive(**values), done, program)
            case _Unreadable(reason):
                raise UnreadableFile(reason=reason)


def _next(told: IO[bytes]) -> Any:
    """The next part; None where there is no whole one."""
    length = told.read(_LENGTH_BYTES)
    if len(length) < _LENGTH_BYTES:
        return None
    content = told.read(int.from_bytes(length))
    return _decoder.decode(content) if len(content) == int.from_bytes(length) else None


def main() -> int:
    """Tell what is in the file of the first argument; the exit status."""
    # Ctrl-C is for whoever started this one, and ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    isolated.give_up_rights(memory_bytes=_MEMORY_BYTES)
    with open(sys.stdout.fileno(), "wb", buffering=_BUFFER_BYTES) as out:  # noqa: PTH123 - no path
        try:
            for found in detecting.found_in(Path(sys.argv[1])):
                for part in _taken_apart(found):
                    _tell(part, out)
        except UnreadableFile as problem:
            _tell(_Unreadable(problem.values["reason"]), out)
        except MemoryError:
            return _NO_MEMORY
    return 0


def _taken_apart(found: Found) -> Iterator[_Part]:
    place, content, done = found.place, found.content, found.done
    if isinstance(content, BrokenArchive):
        yield _Broken(place, done, found.program, content.values)
        return
    yield _Begin(content.conversation)
    yield from map(_Message, content.messages)
    for name, file in content.files.items():
        for begin in range(0, len(file.content) or 1, _PIECE_BYTES):
            yield _Piece(name, file.content[begin : begin + _PIECE_BYTES])
    yield _End(place, done, found.program)


def _tell(part: _Part, out: IO[bytes]) -> None:
    content = _encoder.encode(part)
    out.write(len(content).to_bytes(_LENGTH_BYTES))
    out.write(content)


if __name__ == "__main__":
    sys.exit(main())
