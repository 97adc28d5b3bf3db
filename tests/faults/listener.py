"""One request on a connection of its own, and every byte that came of its answer, whole or not."""

import asyncio
import json
import time
from typing import Any, NamedTuple

import httptools

from tests.fixtures.client import Event

_PING = b": ping"
_ALWAYS = "Host: localhost\r\nConnection: close\r\n"


class Frame(NamedTuple):
    """An event, and the bytes that it came as."""

    raw: bytes
    event: Event


class Listener(asyncio.Protocol):
    """A client that keeps what it has when the connection is lost: a library would raise instead."""

    def __init__(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._request = request
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self.headers: dict[str, str] = {}
        self.body = b""
        # When the head of the answer was there, and when the last of its bytes so far.
        self.began_at = self.heard_at = 0.0
        # When it had so many bytes of the body.
        self.marks: list[tuple[float, int]] = []
        # Whether the answer was whole, once nothing more can come.
        self.ended: asyncio.Future[bool] = loop.create_future()
        self._waiting: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        self.began_at = time.monotonic()

    def on_body(self, body: bytes) -> None:
        self.body += body
        self.marks.append((self.heard_at, len(self.body)))
        self._tell()

    def on_message_complete(self) -> None:
        self.ended.set_result(True)
        self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(False)
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, asyncio.get_running_loop().create_future()
        waiting.set_result(None)

    def abort(self) -> None:
        """Go away."""
        self._transport.abort()

    @property
    def status(self) -> int:
        """0 until the whole head is there: one that is cut may have a part of its number."""
        return int(self._parser.get_status_code()) if self.began_at else 0

    @property
    def task_id(self) -> str | None:
        return self.headers.get("x-task-id")

    async def heard(self, kind: str) -> None:
        """Wait until an event of this kind has come."""
        marker = f'"type":"{kind}"'.encode()
        async with asyncio.timeout(30):
            while marker not in self.body:
                assert not self.ended.done(), (self.status, self.body)
                await self._waiting

    def seen(self) -> bytes:
        """The bytes of its events, the last one perhaps in part; without pings."""
        rest = self.body.rpartition(b"\n\n")[2]
        return b"".join(frame.raw for frame in self.frames()) + (b"" if rest.startswith(b":") else rest)

    def answer(self) -> Any:
        """The JSON of an answer that is no stream."""
        return json.loads(self.body)

    def frames(self) -> list[Frame]:
        """The whole events."""
        return frames_in(self.body)


def frames_in(body: bytes) -> list[Frame]:
    """The whole events of a stream."""
    blocks = body.split(b"\n\n")[:-1]
    return [_frame(block) for block in blocks if block != _PING]


def _frame(block: bytes) -> Frame:
    first, second = block.split(b"\n")
    number, payload = first.removeprefix(b"id: "), second.removeprefix(b"data: ")
    return Frame(block + b"\n\n", Event(int(number), json.loads(payload)))


def post(path: str, body: Any, *, key: str) -> bytes:
    """The bytes of a POST; the same each time, whichever port they go to."""
    content = json.dumps(body).encode()
    fields = f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {len(content)}\r\n"
    return f"POST {path} HTTP/1.1\r\n{_ALWAYS}{fields}\r\n".encode() + content


def get(path: str, **headers: str) -> bytes:
    """The bytes of a GET."""
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\n{_ALWAYS}{fields}\r\n".encode()


async def listen(port: int, request: bytes) -> Listener:
    """Send a request to a port of this machine."""
    loop = asyncio.get_running_loop()
    _, listener = await loop.create_connection(lambda: Listener(request), "127.0.0.1", port)
    return listener


async def whole(port: int, request: bytes, seconds: float = 30.0) -> Listener:
    """Send a request, and wait for the whole answer, which must be a success."""
    listener = await listen(port, request)
    async with asyncio.timeout(seconds):
        assert await listener.ended, listener.body
    assert listener.status == 200, listener.body
    return listener
