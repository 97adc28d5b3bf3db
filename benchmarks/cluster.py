"""Several workers on PostgreSQL and Redis: what a chunk costs, and how quickly one hears of the other.

    python -m benchmarks.cluster [--rounds 5] [--seconds 4] [--tries 200]

A chunk's cost is the CPU of two workers and their parent beside that of the one process on SQLite with
`synchronous=full`, in turns; what PostgreSQL's sessions take is told, too. Then two servers that share
nothing but database and Redis: a reply of the one is resumed at the other, to the first byte, and is stopped
at the other, until the upstream has seen its socket closed, while more replies run on both.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import asyncpg
import uvloop

from benchmarks import replies
from benchmarks.api import STREAM, Api, join, say
from benchmarks.databases import temporary_database
from benchmarks.figures import middle, percentile, table, verdict
from benchmarks.processes import Running, Setting, Stage, cpu_seconds, stage
from benchmarks.sse_client import Event, Exchange, Mismatch, check_whole, open_exchange, parse
from benchmarks.streaming_window import Cost, chunks_for, window
from benchmarks.streams import Load, calls

MOST_RATIO = 1.6
MOST_STOP_MS, MOST_RESUME_MS = 200.0, 100.0
_RATE = 50.0
_CHUNKS = 5000
_AT_ONCE = 4


class Sessions:
    """The processes of PostgreSQL that serve one database: their CPU over some time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._before: dict[int, float] = {}

    async def begin(self) -> None:
        """From now on."""
        self._before = await self._seconds()

    async def seconds(self) -> float:
        """CPU seconds since, of those that are still there."""
        now = await self._seconds()
        return sum(now[pid] - self._before.get(pid, 0.0) for pid in now)

    async def _seconds(self) -> dict[int, float]:
        connection = await asyncpg.connect(self._url, timeout=10)
        try:
            rows = await connection.fetch(
                "SELECT pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        finally:
            await connection.close()
        found = {}
        for pid in (row["pid"] for row in rows):
            # PostgreSQL on another machine has other processes: their CPU is then not ours to see.
            with suppress(FileNotFoundError, ProcessLookupError):
                found[pid] = cpu_seconds(pid)
        return found


async def costs(on: Stage, setting: Setting, given: argparse.Namespace) -> tuple[float, list[str]]:
    """The ratio of the costs of a chunk, and what the logs complain of; prints the table."""
    environment = {**setting.environment, "DUIHUA_WORKERS": "2"}
    targets = {
        "one process, SQLite": await on.start_server("sqlite"),
        "two workers, PostgreSQL, Redis": await on.start_server("workers", Setting(environment)),
    }
    await asyncio.sleep(1.5)
    sessions, postgres = Sessions(setting.environment["DATABASE_URL"]), []
    found: dict[str, list[Cost]] = {name: [] for name in targets}
    chunks = chunks_for(_RATE, given.seconds)
    # The first round warms up.
    for round_number in range(given.rounds + 1):
        for name, process in targets.items():
            load = await Load.prepare(process.port, True, given.streams, chunks, _RATE)
            await sessions.begin()
            cost = await window(on, process.cpu_seconds, load, given.seconds if round_number else 1.0)
            if round_number:
                found[name].append(cost)
            if round_number and "workers" in name:
                postgres.append(await sessions.seconds() / (chunks * given.streams) * 1e6)
    for process in targets.values():
        await process.stop()
    return _costs(found, postgres), on.complaints("sqlite") + on.complaints("workers")


def _costs(found: Mapping[str, Sequence[Cost]], postgres: Sequence[float]) -> float:
    micros = {name: [cost.micros for cost in costs] for name, costs in found.items()}
    yardstick, workers = micros.values()
    ratio = middle([own / other for own, other in zip(workers, yardstick, strict=True)])
    rows = [
        (
            name,
            f"{middle(values):.0f}",
            f"{min(values):.0f}-{max(values):.0f}",
            f"{sum(cost.events for cost in found[name]) / sum(cost.chunks for cost in found[name]):.2f}",
            sum(cost.chunks for cost in found[name]),
        )
        for name, values in micros.items()
    ]
    rows.append(("  PostgreSQL's sessions beside them", f"{middle(postgres):.0f}", "", "", ""))
    table("CPU per chunk (µs)", ("", "median", "range", "events/chunk", "chunks"), rows)
    return ratio


async def _running(api: Api, key: str, *, speaks: bool = True) -> Exchange:
    """A long reply that has begun, or one that `speaks`. Raises Mismatch."""
    script = {"chunks": _CHUNKS, "rate": _RATE, "key": key}
    exchange = await open_exchange(api.port, say(api.port, await api.conversation(), key, script))
    await exchange.head
    while speaks and b'"chunk"' not in b"".join(exchange.blocks):
        if exchange.ended.done():
            raise Mismatch(f"status {exchange.status}: {exchange.rest[:300]!r}")
        await asyncio.sleep(0.01)
    return exchange


def _check_stopped(key: str, events: list[Event]) -> None:
    """It has everything once, up to where it was stopped, of what the upstream said. Raises Mismatch."""
    text = check_whole(events)
    if events[-1].value["type"] != "cancelled":
        raise Mismatch("a stopped reply ended otherwise")
    if not "".join(replies.pieces(key, _CHUNKS)).startswith(text):
        raise Mismatch(f"this is not what the upstream said: {text[:300]!r}")


async def _stop_there(on: Stage, here: Api, there: Api, key: str) -> float:
    """Milliseconds from asking the one worker until the other's upstream has its socket closed.

    Half of the replies are stopped in mid-stream, half as soon as they have a name: where their upstream is
    not asked any more, until the other worker's client has the end.
    """
    exchange = await _running(here, key, speaks=random.random() < 0.5)
    asked = time.monotonic()
    await there.call("POST", f"{STREAM}/cancel?task_id={exchange.task_id}")
    await exchange.ended
    ended = time.monotonic()
    while None in (closed := [call["closed_at"] for call in await calls(on.upstream.port, key)]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    _check_stopped(key, parse(exchange.blocks))
    return (max(closed, default=ended) - asked) * 1000


async def _resume_there(_: Stage, here: Api, there: Api, key: str) -> float:
    """Milliseconds to the first byte at a worker that has not followed this reply yet."""
    exchange = await _running(here, key)
    await asyncio.sleep(random.uniform(0.1, 0.5))
    exchange.close()
    seen = parse(exchange.blocks)
    again = await join(there.port, str(exchange.task_id), seen[-1].id)
    await again.head
    milliseconds = (time.monotonic() - again.asked_at) * 1000
    await again.first
    await here.call("POST", f"{STREAM}/cancel?task_id={exchange.task_id}")
    await again.ended
    _check_stopped(key, seen + parse(again.blocks))
    return milliseconds


async def _tries(
    attempt: Callable[[Stage, Api, Api, str], Awaitable[float]],
    on: Stage,
    apis: tuple[Api, Api],
    tries: int,
    key: str,
) -> list[float]:
    found: list[float] = []

    async def some(number: int) -> None:
        here, there = apis[:: 1 if number % 2 else -1]
        for at in range(tries // _AT_ONCE):
            found.append(await attempt(on, here, there, f"{key}-{number}-{at}"))

    await asyncio.gather(*(some(number) for number in range(_AT_ONCE)))
    return found


async def distances(
    on: Stage, setting: Setting, given: argparse.Namespace
) -> tuple[dict[str, list[float]], list[str]]:
    """What it takes at the other worker, with Redis and without; and what the logs complain of."""
    found: dict[str, list[float]] = {}
    for with_redis in (True, False):
        environment = {k: v for k, v in setting.environment.items() if with_redis or k != "REDIS_URL"}
        names = [f"{name}-{'redis' if with_redis else 'polling'}" for name in "ab"]
        servers: list[Running] = [await on.start_server(name, Setting(environment)) for name in names]
        await asyncio.sleep(1)
        async with Api(servers[0].port) as a, Api(servers[1].port) as b:
            background = [await _running(api, f"{names[0]}-{at}") for api in (a, b) for at in range(10)]
            how = "" if with_redis else ", without Redis"
            tries = given.tries if with_redis else max(_AT_ONCE, given.tries // 4)
            found[f"resume{how}"] = await _tries(_resume_there, on, (a, b), tries, f"resume{names[0]}")
            found[f"stop{how}"] = await _tries(_stop_there, on, (a, b), tries, f"stop{names[0]}")
            await a.call("POST", "/chat/terminate")
            await asyncio.gather(*(exchange.ended for exchange in background))
        for server in servers:
            await server.stop()
    return found, [line for name in ("a", "b") for line in on.complaints(f"{name}-redis")]


async def measure(given: argparse.Namespace) -> int:
    """Measure; print."""
    async with temporary_database(given.postgres) as made, stage() as on:
        setting = Setting({**made.environment, "REDIS_URL": given.redis})
        ratio, complaints = await costs(on, setting, given)
        found, more = await distances(on, setting, given)
    rows = [
        (name, *(f"{percentile(values, percent):.0f}" for percent in (50, 95, 99)), len(values))
        for name, values in found.items()
    ]
    table("At another worker (ms)", ("", "p50", "p95", "p99", "tries"), rows)
    print(*(complaints + more)[:5], sep="\n")
    resume, stop = percentile(found["resume"], 95), percentile(found["stop"], 99)
    return verdict(
        [
            (f"CPU per chunk: {ratio:.2f} x <= {MOST_RATIO} x one process on SQLite", ratio <= MOST_RATIO),
            (
                f"resume there, first byte, p95: {resume:.0f} ms <= {MOST_RESUME_MS:.0f} ms",
                resume <= MOST_RESUME_MS,
            ),
            (
                f"stop there, upstream closed, p99: {stop:.0f} ms <= {MOST_STOP_MS:.0f} ms",
                stop <= MOST_STOP_MS,
            ),
            (f"{len(complaints + more)} complaints in the logs", not complaints + more),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--streams", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=4, help="length of a window")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tries", type=int, default=200)
    return uvloop.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
