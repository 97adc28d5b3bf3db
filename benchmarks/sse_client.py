"""A lean SSE client: keeps the blocks of a stream and when they came; parses and checks them afterwards."""

import asyncio
import time
from typing import Any, NamedTuple, cast

import httptools
import msgspec

TERMINAL = {"complete", "cancelled", "error"}
_decode = msgspec.json.Decoder().decode


class Mismatch(AssertionError):
    """Something is missing, repeated or other than it was."""


class Event(NamedTuple):
    """One event of Duihua's: its number, its payload as bytes and as a value."""

    id: int
    payload: bytes
    value: dict[str, Any]


class Exchange(asyncio.Protocol):
    """One request on a connection of its own, and its answer.

    `blocks` are the event blocks without their blank lines, `times` (CLOCK_MONOTONIC) when each arrived;
    `rest` is what came of a block that was cut. Pings are only counted. `head` resolves with the status, or 0
    where the connection ended before one; `ended` resolves with whether the answer was whole.
    """

    def __init__(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._request = request
        self._parser = httptools.HttpResponseParser(self)
        self.headers: dict[str, str] = {}
        self.status = 0
        self.blocks: list[bytes] = []
        self.times: list[float] = []
        self.rest = b""
        self.pings = 0
        self.asked_at = 0.0
        self.head: asyncio.Future[int] = loop.create_future()
        self.first: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[bool] = loop.create_future()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.asked_at = time.monotonic()
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.head.set_result(self.status)

    def on_body(self, body: bytes) -> None:
        *blocks, self.rest = (self.rest + body).split(b"\n\n")
        if b"\n\n: " in body or body.startswith(b":"):
            self.pings += sum(block.startswith(b":") for block in blocks)
            blocks = [block for block in blocks if not block.startswith(b":")]
        if blocks:
            self.blocks += blocks
            self.times += [time.monotonic()] * len(blocks)
            if not self.first.done():
                self.first.set_result(None)

    def on_message_complete(self) -> None:
        if not self.ended.done():
            self.ended.set_result(True)
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        for future, value in ((self.head, 0), (self.first, None), (self.ended, False)):
            if not future.done():
                future.set_result(value)  # type: ignore[arg-type]  # each gets its own kind of value

    @property
    def task_id(self) -> str | None:
        """The task that the answer is about, once its head is there."""
        return self.headers.get("x-task-id")

    def close(self) -> None:
        """Go away, as a client does that lost interest."""
        self._transport.abort()


async def open_exchange(port: int, request: bytes) -> Exchange:
    """Send `request` to a port of this machine."""
    loop = asyncio.get_running_loop()
    _, exchange = await loop.create_connection(lambda: Exchange(request), "127.0.0.1", port)
    return exchange


def post(port: int, path: str, body: object, **headers: str) -> bytes:
    """The bytes of a POST of JSON; a header's underscores become hyphens."""
    encoded = msgspec.json.encode(body)
    fields = {"Content-Type": "application/json", "Content-Length": str(len(encoded))} | headers
    return _head("POST", port, path, fields) + encoded


def get(port: int, path: str, **headers: str) -> bytes:
    """The bytes of a GET."""
    return _head("GET", port, path, headers)


def _head(method: str, port: int, path: str, headers: dict[str, str]) -> bytes:
    fields = {"Host": f"127.0.0.1:{port}", "Connection": "close"} | headers
    lines = [f"{method} {path} HTTP/1.1", *(f"{k.replace('_', '-')}: {v}" for k, v in fields.items())]
    return "\r\n".join((*lines, "", "")).encode()


def parse(blocks: list[bytes]) -> list[Event]:
    """The events of Duihua's blocks.

    Raises:
        Mismatch: a block that is no event.
    """
    events = []
    for block in blocks:
        number, separator, payload = block.partition(b"\ndata: ")
        if not (number.startswith(b"id: ") and separator) or b"\n" in payload:
            raise Mismatch(f"not an event: {block[:100]!r}")
        events.append(Event(int(number[4:]), payload, _decode(payload)))
    return events


def check_whole(events: list[Event], *, first: int = 1) -> str:
    """The text of a finished stream; `first` is the number that it must begin with.

    Raises:
        Mismatch: a gap, a repetition, no end or several, or an end that does not hold what was streamed.
    """
    if [event.id for event in events] != list(range(first, first + len(events))):
        raise Mismatch(f"ids are not gapless: {[event.id for event in events]}")
    ends = [event for event in events if event.value["type"] in TERMINAL]
    if len(ends) != 1 or events[-1] is not ends[0]:
        raise Mismatch(f"{len(ends)} ends in {len(events)} events")
    text = text_of(events)
    if first <= 3 and ends[0].value["content"] != text:
        raise Mismatch("the last event's content is not the concatenated chunks")
    return text


def text_of(events: list[Event]) -> str:
    """The concatenated chunks."""
    return "".join(event.value["content"] for event in events if event.value["type"] == "chunk")


def openai_text(blocks: list[bytes]) -> str:
    """The text of an OpenAI stream, as the pass-through hands it on.

    Raises:
        Mismatch: it does not end with `[DONE]`.
    """
    if not blocks or blocks[-1] != b"data: [DONE]":
        raise Mismatch("the stream does not end with [DONE]")
    choices = [_decode(block[6:])["choices"] for block in blocks[:-1]]
    return "".join(choice[0]["delta"].get("content", "") for choice in choices if choice)
