"""A TCP proxy that cuts the answer at a chosen byte, or everything at once, and one that goes silent."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple


def bytes_missing(end: bytes) -> int:
    """How many bytes the UTF-8 character lacks that begins in these last bytes."""
    for back, byte in enumerate(reversed(end), start=1):
        if byte >= 0xC0:
            return max(0, (4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2) - back)
        if byte < 0x80:
            return 0
    return 0


# Told from the last bytes that were passed on. A line end of HTTP's own follows a CR.
PLACES: dict[str, Callable[[bytes], bool]] = {
    "anywhere": lambda end: True,
    "in a character": lambda end: bytes_missing(end) > 0,
    "in the blank line": lambda end: end.endswith(b"}\n"),
}


class Cut(NamedTuple):
    """At the first such place after so many bytes; with a reset instead of an orderly end."""

    place: str
    after: int
    resets: bool


class Proxy:
    """Passes connections on to `port`; each is cut as `cut` says when it is opened.

    While it is stalled, nothing passes in either direction; new connections are accepted and never answered.
    """

    def __init__(self, upstream_port: int) -> None:
        self.port = 0
        self.cut: Cut | None = None
        self.cuts: Counter[str] = Counter()
        self.serving: set[asyncio.Task[None]] = set()
        self._upstream_port = upstream_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._lost: list[asyncio.Event] = []
        self._writers: set[asyncio.StreamWriter] = set()

    def stall(self) -> None:
        """Let nothing pass, and keep every connection."""
        self._flowing.clear()

    def lose(self) -> None:
        """Let nothing pass on the connections that there are, and keep them; new ones are served."""
        self.stall()
        self._lost.append(self._flowing)
        self._flowing = asyncio.Event()
        self._flowing.set()

    def flow(self) -> None:
        """Let pass what has waited, and what comes."""
        for flowing in (self._flowing, *self._lost):
            flowing.set()

    def sever(self) -> None:
        """Reset every connection, on both sides."""
        for writer in list(self._writers):
            if not writer.is_closing():
                _reset(writer)
                writer.transport.abort()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.create_task(self._serve(reader, writer, self.cut)))

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: Cut | None
    ) -> None:
        self._writers.add(writer)
        flowing = self._flowing
        try:
            await flowing.wait()
            answer, question = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        except OSError:
            writer.close()
            self._writers.discard(writer)
            return
        self._writers.add(question)
        passing = asyncio.create_task(_pass_on(reader, question, flowing))
        try:
            await self._answer(answer, writer, cut, flowing)
        except OSError:
            pass  # Severed, or one side is gone.
        finally:
            passing.cancel()
            self._writers -= {writer, question}
            writer.close()
            question.close()
            await asyncio.wait([passing])

    async def _answer(
        self,
        answer: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        cut: Cut | None,
        flowing: asyncio.Event,
    ) -> None:
        sent = b""
        while data := await answer.read(65536):
            await flowing.wait()
            at = None if cut is None else _place(sent, data, cut)
            writer.write(data[:at])
            await writer.drain()
            if cut is not None and at is not None:
                self.cuts[cut.place] += 1
                if cut.resets:
                    _reset(writer)
                return
            sent += data


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            await flowing.wait()
            writer.write(data)
            await writer.drain()


def _place(sent: bytes, data: bytes, cut: Cut) -> int | None:
    """How many bytes of `data` go through before the cut; None: all of them."""
    for length in range(max(1, cut.after - len(sent)), len(data) + 1):
        if PLACES[cut.place]((sent[-4:] + data[:length])[-4:]):
            return length
    return None


def _reset(writer: asyncio.StreamWriter) -> None:
    # Zero seconds of lingering make close() send RST.
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@asynccontextmanager
async def proxy(upstream_port: int, kind: type[Proxy] = Proxy) -> AsyncIterator[Proxy]:
    """A proxy in front of a port of this machine."""
    opened = kind(upstream_port)
    server = await asyncio.start_server(opened.accept, "127.0.0.1", 0)
    opened.port = server.sockets[0].getsockname()[1]
    try:
        yield opened
    finally:
        server.close()
        opened.flow()
        opened.sever()
        # Python 3.11's `wait_closed` does not wait for them.
        await asyncio.gather(*opened.serving)
