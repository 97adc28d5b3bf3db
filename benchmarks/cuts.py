"""Connections cut at random byte offsets, then resumed: nothing lost, nothing repeated.

    python -m benchmarks.cuts [--cuts 1000] [--at-once 10]

A raw client reads exactly so many bytes of an answer (its head included) and closes, half of the times
with a reset. A third of the cuts fall anywhere; the others are moved to the next place inside a UTF-8
character, inside the blank line after an event, inside the line that gives a piece's length, or between
the line end of `id` and `data`. The client then resumes with the `Last-Event-ID` of the last whole event
that it has; before it knows the task's id, by asking again with the same Idempotency-Key.
"""

import argparse
import asyncio
import random
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import httptools
import uvloop

from benchmarks import replies
from benchmarks.api import STREAM, Api, ask_model, say
from benchmarks.figures import percentile, ratio, table, verdict
from benchmarks.processes import Stage, stage
from benchmarks.sse_client import Event, Mismatch, check_whole, get, parse

_RATE = 150.0
_READ_SECONDS = 30.0

# Where a cut may fall, told from all bytes read so far.
PLACES: dict[str, Callable[[bytes], bool]] = {
    "anywhere": lambda read: True,
    "in a character": lambda read: _bytes_missing(read[-4:]) > 0,
    "in the blank line": lambda read: read.endswith(b"\n") and not read.endswith((b"\n\n", b"\r\n")),
    "in a length": lambda read: read[-3:-1] == b"\r\n" and read[-1:] in b"0123456789abcdef",
    "before data": lambda read: read.endswith(b"\nd"),
}


def _bytes_missing(end: bytes) -> int:
    """How many bytes the UTF-8 character lacks that begins in these last bytes."""
    for back, byte in enumerate(reversed(end), start=1):
        if byte >= 0xC0:
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2
            return max(0, length - back)
        if byte < 0x80:
            return 0
    return 0


class Answer:
    """What one connection gave: fed with bytes, whole events kept."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self.headers: dict[str, str] = {}
        self.is_whole = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            raise Mismatch(f"status {self._parser.get_status_code()}")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.is_whole = True

    def events(self) -> list[Event]:
        """The events whose blank line has come; without pings."""
        blocks = self._body.split(b"\n\n")[:-1]
        return parse([block for block in blocks if not block.startswith(b":")])


class Cut(NamedTuple):
    """Where to cut: at the first such place after so many bytes."""

    place: str
    after: int


async def receive(port: int, request: bytes, cut: Cut, *, resets: bool) -> tuple[Answer, float, bool]:
    """Ask, read up to the cut, close; the answer, milliseconds to its first byte, and whether it was cut."""
    loop = asyncio.get_running_loop()
    answer, read, first = Answer(), b"", 0.0
    with socket.socket() as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        asked = time.monotonic()
        await loop.sock_sendall(connection, request)
        while len(read) < cut.after or not PLACES[cut.place](read):
            async with asyncio.timeout(_READ_SECONDS):
                data = await loop.sock_recv(connection, min(max(1, cut.after - len(read)), 65536))
            first = first or (time.monotonic() - asked) * 1000
            if not data:
                return answer, first, False
            read += data
            answer.feed(data)
        if resets:
            # Zero seconds of lingering make close() send RST.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return answer, first, not answer.is_whole


class Tally:
    """What the cuts gave."""

    def __init__(self) -> None:
        self.cuts: Counter[str] = Counter()
        self.resumes: list[float] = []
        self.streams = self.events = 0
        self.wrong: list[str] = []


async def follow(api: Api, chance: random.Random, tally: Tally, most: int) -> None:
    """Follow one generation through cuts to its end, and check what came.

    Raises:
        Mismatch: an event is missing, repeated or other than it must be.
    """
    chat_id, chunks = await api.conversation(), chance.randint(60, 150)
    question = f"问 {chat_id}"
    script = {"chunks": chunks, "rate": _RATE}
    request = say(api.port, chat_id, question, script, Idempotency_Key=chat_id)
    events: list[Event] = []
    task_id, is_cut = None, True
    while is_cut:
        cut = Cut(chance.choice(list(PLACES)), int(chance.uniform(0, chunks * 30)))
        if sum(tally.cuts.values()) >= most:
            cut = Cut("anywhere", sys.maxsize)
        answer, first, is_cut = await receive(api.port, request, cut, resets=chance.random() < 0.5)
        tally.cuts[cut.place] += is_cut
        tally.resumes += [first] if task_id and first else []
        events += answer.events()
        task_id = answer.headers.get("x-task-id", task_id)
        if task_id is not None:
            resume: dict[str, Any] = {"Last-Event-ID": events[-1].id} if events else {}
            request = get(api.port, f"{STREAM}/{task_id}", **resume)
    if check_whole(events) != "".join(replies.pieces(question, chunks)):
        raise Mismatch(f"{chat_id}: the text is not what the upstream said")
    tally.streams += 1
    tally.events += len(events)


async def _worker(api: Api, chance: random.Random, tally: Tally, most: int) -> None:
    while sum(tally.cuts.values()) < most:
        try:
            await follow(api, chance, tally, most)
        except (Mismatch, TimeoutError, httptools.HttpParserError) as error:
            tally.wrong.append(f"{type(error).__name__}: {error}")


async def _yardstick(on: Stage) -> list[float]:
    """Milliseconds to the first byte of the pass-through, which has nothing to look up."""
    proxy = await on.start_passthrough()
    request = ask_model(proxy.port, "how fast?", {"chunks": 2, "rate": 1000})
    cut = Cut("anywhere", sys.maxsize)
    return [(await receive(proxy.port, request, cut, resets=False))[1] for _ in range(100)]


async def measure(cuts: int, at_once: int, seed: int) -> int:
    """Cut and resume; print what that gave."""
    tally = Tally()
    async with stage() as on:
        yardstick = await _yardstick(on)
        async with Api((await on.start_server()).port) as api:
            workers = (_worker(api, random.Random(f"{seed}.{at}"), tally, cuts) for at in range(at_once))
            await asyncio.gather(*workers)
        complaints = on.complaints()
    print(
        f"{sum(tally.cuts.values())} cuts of {tally.streams} streams with {tally.events} events, seed {seed}"
    )
    table("Where", tuple(tally.cuts), [tuple(tally.cuts.values())])
    rows = [
        (
            name,
            f"{percentile(found, 50):.1f}",
            f"{percentile(found, 95):.1f}",
            ratio(percentile(found, 95), base),
        )
        for base in [percentile(yardstick, 95)]
        for name, found in (
            ("pass-through, one at a time", yardstick),
            (f"resume, {at_once} at once", tally.resumes),
        )
    ]
    table("First byte (ms)", ("", "p50", "p95", "p95 ratio"), rows)
    print(*tally.wrong[:10], *complaints[:10], sep="\n")
    p95 = percentile(tally.resumes, 95)
    return verdict(
        [
            (f"{len(tally.wrong)} streams with something lost, repeated or other", not tally.wrong),
            (f"first byte after a resume, p95: {p95:.0f} ms <= 100 ms", p95 <= 100),
            (f"{len(complaints)} complaints in the server's log", not complaints),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    return uvloop.run(measure(given.cuts, given.at_once, given.seed))


if __name__ == "__main__":
    sys.exit(main())
