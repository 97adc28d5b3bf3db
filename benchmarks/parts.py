"""What one reply, one commit and one notice cost a worker, PostgreSQL and Redis, for docs/scaling.md.

    python -m benchmarks.parts [--rounds 3] [--replies 100] [--seconds 4]

One worker on PostgreSQL and Redis. Replies of one token are asked for, which is start and end and little
else; then 15 and 40 replies stream at once. Told is the CPU of the worker and of PostgreSQL's sessions
beyond idling, and what Redis says of its own. Both servers must be on this machine; that others use them,
too, makes Redis' figure too large.
"""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import aiohttp
import uvloop
from redis.asyncio import Redis

from benchmarks.cluster import Sessions
from benchmarks.databases import temporary_database
from benchmarks.figures import middle, table
from benchmarks.processes import Running, Setting, stage
from benchmarks.streams import Load

_RATE = 50.0
_NOTICES = 5000
_STARTED_A_SECOND = 8


class Spent(NamedTuple):
    """CPU seconds of the worker and of PostgreSQL's sessions, and commits and events of the journal."""

    worker: float
    postgres: float
    commits: float
    events: float


class Meter:
    """Reads what a worker and its database have spent."""

    def __init__(self, worker: Running, url: str) -> None:
        self._worker, self._sessions = worker, Sessions(url)
        self._began: Spent

    async def begin(self) -> None:
        """From now on."""
        await self._sessions.begin()
        self._began = await self._now(0.0)

    async def spent(self) -> Spent:
        """Since then."""
        now = await self._now(await self._sessions.seconds())
        return Spent(*(after - before for after, before in zip(now, self._began, strict=True)))

    async def _now(self, postgres: float) -> Spent:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self._worker.port}/metrics") as answer,
        ):
            page = await answer.text()
        told = dict(re.findall(r"^duihua_journal_(commits|events)_total (\S+)$", page, re.MULTILINE))
        return Spent(self._worker.cpu_seconds(), postgres, float(told["commits"]), float(told["events"]))


async def idle(meter: Meter, seconds: float) -> Spent:
    """What a second takes in which nothing is asked."""
    await meter.begin()
    await asyncio.sleep(seconds)
    return Spent(*(value / seconds for value in await meter.spent()))


async def of_replies(worker: Running, meter: Meter, replies: int) -> tuple[float, float]:
    """Milliseconds of the worker and of PostgreSQL for start and end of a reply."""
    load = await Load.prepare(worker.port, True, replies, 1, 1000.0)
    at_rest = await idle(meter, 2)
    await meter.begin()
    began = time.monotonic()
    await load.finish(await load.start(over_seconds=replies / _STARTED_A_SECOND))
    seconds, spent = time.monotonic() - began, await meter.spent()
    return (
        (spent.worker - at_rest.worker * seconds) / replies * 1000,
        (spent.postgres - at_rest.postgres * seconds) / replies * 1000,
    )


async def of_commits(worker: Running, meter: Meter, streams: int, seconds: float) -> Sequence[float]:
    """The worker's µs for a chunk; PostgreSQL's milliseconds for a commit; events in a commit."""
    load = await Load.prepare(worker.port, True, streams, int(_RATE * (seconds + 2.7)), _RATE)
    at_rest = await idle(meter, 2)
    exchanges = await load.start()
    await asyncio.gather(*(exchange.first for exchange in exchanges))
    await asyncio.sleep(0.7)
    await meter.begin()
    began = time.monotonic()
    await asyncio.sleep(seconds)
    spent, lasted = await meter.spent(), time.monotonic() - began
    await load.finish(exchanges)
    worker_seconds = spent.worker - at_rest.worker * lasted
    postgres = spent.postgres - at_rest.postgres * lasted
    chunks = streams * _RATE * lasted
    return worker_seconds / chunks * 1e6, postgres / spent.commits * 1000, spent.events / spent.commits


async def of_notices(url: str) -> tuple[float, float]:
    """Redis' µs for a notice: nobody hears it; one worker does."""
    found = []
    async with Redis.from_url(url) as redis, redis.pubsub() as pubsub:
        for hears in (False, True):
            if hears:
                await pubsub.subscribe("duihua:bench")
            before = await _redis_seconds(redis)
            for _ in range(_NOTICES):
                await redis.publish("duihua:bench", b"x" * 60)
                while hears and (await pubsub.get_message(timeout=1) or {}).get("type") != "message":
                    pass
            found.append((await _redis_seconds(redis) - before) / _NOTICES * 1e6)
    return found[0], found[1]


async def _redis_seconds(redis: Redis) -> float:
    told = await redis.info("cpu")
    return float(told["used_cpu_sys"]) + float(told["used_cpu_user"])


async def measure(given: argparse.Namespace) -> int:
    """Measure; print."""
    replies: list[tuple[float, float]] = []
    commits: dict[int, list[Sequence[float]]] = {15: [], 40: []}
    async with temporary_database(given.postgres) as made, stage() as on:
        setting = Setting({**made.environment, "REDIS_URL": given.redis})
        worker = await on.start_server("worker", setting)
        meter = Meter(worker, made.environment["DATABASE_URL"])
        # The first round warms up.
        for round_number in range(given.rounds + 1):
            found = await of_replies(worker, meter, given.replies)
            told = {n: await of_commits(worker, meter, n, given.seconds) for n in commits}
            if round_number:
                replies.append(found)
                for streams, each in told.items():
                    commits[streams].append(each)
    notices = await of_notices(given.redis)
    rows = [("start and end of a reply, worker (ms)", f"{middle([own for own, _ in replies]):.1f}")]
    rows += [("start and end of a reply, PostgreSQL (ms)", f"{middle([own for _, own in replies]):.1f}")]
    for streams, each in commits.items():
        chunk, commit, events = (middle(values) for values in zip(*each, strict=True))
        rows += [(f"a chunk with {streams} streams, worker (µs)", f"{chunk:.0f}")]
        rows += [(f"a commit with {streams} streams ({events:.0f} events), PostgreSQL (ms)", f"{commit:.2f}")]
    for what, own in zip(("a notice", "a notice that one hears"), notices, strict=True):
        rows += [(f"{what}, Redis (µs)", f"{own:.0f}")]
    table("CPU", ("", "median"), rows)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replies", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=4)
    return uvloop.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
