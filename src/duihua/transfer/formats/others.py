"""JSON of other programs: one conversation, or a list of such. A new program is a line here.

Which program it was is told by each conversation itself; the shape of their exports is not documented by
them: each reader says what it takes for granted.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

import ijson
import msgspec

from duihua.transfer.formats import chatgpt, claude, deepseek, librechat, open_webui
from duihua.transfer.formats.told import Told, archive_of, items, mapping, too_deep
from duihua.transfer.found import BOM, MOST_BYTES, BrokenArchive, Found, check_parts

# One of these stands near the beginning of every such file. Inside of a text the quotes would be escaped.
_THEIRS = re.compile(rb'\s*[\[{].*"(mapping|chat_messages|history|conversationId)"\s*:', re.DOTALL)


class Program(NamedTuple):
    """Whose conversations these are, and how they are read."""

    name: str
    recognises: Callable[[dict[str, Any]], bool]
    told: Callable[[dict[str, Any]], Told]


PROGRAMS = (
    Program("chatgpt", chatgpt.recognises, chatgpt.told),
    Program("deepseek", deepseek.recognises, deepseek.told),
    Program("claude", claude.recognises, claude.told),
    Program("open_webui", open_webui.recognises, open_webui.told),
    Program("librechat", librechat.recognises, librechat.told),
)


def detect(head: bytes) -> bool:
    """Whether it looks like JSON of one of these programs."""
    return _THEIRS.match(head.removeprefix(BOM)) is not None


def archives(file: BinaryIO) -> Iterator[Found]:
    """Every conversation of the file; of a list, one at a time is held in memory."""
    counted = _Counted(file)
    if counted.begins_with(b"["):
        yield from _listed(counted)
        return
    try:
        content = counted.whole()
        check_parts(content)
        value = msgspec.json.decode(content)
    except RecursionError:
        yield Found("", too_deep(), counted.done)
    except (msgspec.DecodeError, UnicodeDecodeError, BrokenArchive) as error:
        reason = error.values["reason"] if isinstance(error, BrokenArchive) else f"not JSON: {error}"
        yield Found("", BrokenArchive(reason=reason), counted.done)
    else:
        several = items(mapping(value).get("conversations"))
        for number, each in enumerate(several, 1):
            yield _found(f"conversation {number}", each, counted.done)
        if not several:
            yield _found("", value, counted.done)


def _listed(counted: "_Counted") -> Iterator[Found]:
    number = 0
    try:
        for number, value in enumerate(ijson.items(counted, "item", use_float=True), 1):
            yield _found(f"conversation {number}", value, counted.done)
            counted.allow()
    except (ijson.JSONError, UnicodeDecodeError) as error:
        problem = BrokenArchive(reason=f"not JSON, what follows was not read: {error}")
        yield Found(f"conversation {number + 1}", problem, counted.done)
    except BrokenArchive as problem:
        yield Found(f"conversation {number + 1}", problem, counted.done)


def _found(place: str, value: Any, done: int) -> Found:
    if not isinstance(value, dict):
        return Found(place, BrokenArchive(reason="is no conversation"), done)
    program = next((each for each in PROGRAMS if each.recognises(value)), None)
    if program is None:
        return Found(place, BrokenArchive(reason="is of no known format"), done)
    return Found.of(place, archive_of(program.told(value), program.name), done, program.name)


class _Counted:
    """The bytes of a file, without a mark at their beginning. Raises BrokenArchive past MOST_BYTES."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead = file.read(1024).removeprefix(BOM)
        self.done = 0
        self.allow()

    def begins_with(self, sign: bytes) -> bool:
        return self._ahead.lstrip().startswith(sign)

    def allow(self) -> None:
        """As much again may come."""
        self._most = self.done + MOST_BYTES

    def whole(self) -> bytes:
        return self.read(len(self._ahead)) + self.read(MOST_BYTES + 1)

    def read(self, size: int) -> bytes:
        found = self._ahead[:size] or self._file.read(size)
        self._ahead = self._ahead[len(found) :]
        self.done += len(found)
        if self.done > self._most:
            raise BrokenArchive(reason=f"larger than {MOST_BYTES} bytes")
        return found
