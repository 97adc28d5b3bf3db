"""What the parts of `benchmarks.faults` stand on: servers that can be started, and rows of its table."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg
from redis.asyncio import Redis

from benchmarks.databases import temporary_database
from benchmarks.guarantees import Row
from duihua.db import migrate
from tests.faults.driver import Server, Servers, servers
from tests.faults.nursery import Nursery
from tests.faults.scenarios import Outcome, tolerable

WORKERS = "3"
# What a server that dies has not ended is told as interrupted.
WHERE_SERVERS_DIE = frozenset({"complete", "generation_interrupted"})
_FOLLOWING_SECONDS = 300.0
_LEAVING_SECONDS = 10.0
# Ten, and the one of the journal.
_SESSIONS_OF_A_WORKER = 11
_SAID = "duihua:said:"
_SESSIONS = (
    "SELECT coalesce(state, '') AS state FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Cluster(NamedTuple):
    """Servers that can be started, and what they stand on."""

    started: Servers
    url: str
    given: argparse.Namespace

    async def server(self) -> Server:
        """A new one."""
        return await self.started.start()


@asynccontextmanager
async def cluster(
    given: argparse.Namespace, *, nursery: Nursery | None = None, **options: str
) -> AsyncIterator[Cluster]:
    """On a database of its own, migrated."""
    with tempfile.TemporaryDirectory() as folder:
        async with temporary_database(given.postgres) as setting:
            url = setting.environment["DATABASE_URL"]
            await asyncio.to_thread(migrate.upgrade, url)
            environment = {"DUIHUA_WORKERS": WORKERS, "REDIS_URL": given.redis, **options}
            async with servers(Path(folder), url, nursery=nursery, **environment) as started:
                yield Cluster(started, url, given)


async def left(on: Cluster) -> Row:
    """A row about what clients that are gone have left at workers that still serve."""
    until = time.monotonic() + _LEAVING_SECONDS
    found = await _left(on)
    while any(found.values()) and time.monotonic() < until:
        await asyncio.sleep(0.2)
        found = await _left(on)
    measured = ", ".join(f"{number} {what}" for what, number in found.items() if number) or "none"
    promise = "G13 clients that are gone leave no subscription, transaction or connection too many"
    return Row(promise, "none", measured, measured == "none")


async def _left(on: Cluster) -> dict[str, int]:
    connection = await asyncpg.connect(on.url, timeout=10)
    try:
        owners = {row["owner"] for row in await connection.fetch("SELECT DISTINCT owner FROM generations")}
        states = [row["state"] for row in await connection.fetch(_SESSIONS)]
    finally:
        await connection.close()
    async with Redis.from_url(on.given.redis) as redis:
        heard = {name.decode().removeprefix(_SAID) for name in await redis.pubsub_channels(f"{_SAID}*")}
    return {
        "subscriptions": len(heard & owners),
        "transactions": sum(state.startswith("idle in transaction") for state in states),
        "connections": max(0, len(states) - int(WORKERS) * _SESSIONS_OF_A_WORKER),
    }


class Count:
    """How many of something there are to be, in what time there is; some of it is left for what follows."""

    def __init__(self, wanted: int, seconds: float) -> None:
        self.wanted = wanted
        self.until = time.monotonic() + max(0.8 * seconds, seconds - _FOLLOWING_SECONDS)

    def wants(self, done: int) -> bool:
        """Whether there are to be more."""
        return done < self.wanted and time.monotonic() < self.until

    def of(self, done: int) -> str:
        """How many there have been."""
        return f"{done}" if done >= self.wanted else f"{done} of {self.wanted}"

    def completed(self, row: Row, done: int) -> Row:
        """The row, which holds only where there have been so many."""
        return row._replace(holds=row.holds and done >= self.wanted)


def lost(promise: str, found: Outcome, accidents: str, *, ends: Set[str] = frozenset({"complete"})) -> Row:
    """A row about what clients saw and what is kept; each reply ended as one of `ends`."""
    for problem in found.differences[:5]:
        print(f"  {problem[:300]}", flush=True)
    of = f"{found.events} events of {found.ends.total()} replies, {accidents}"
    wrong, is_other = len(found.differences), not found.ends.keys() <= ends
    if is_other or not tolerable(list(found.refusals)):
        of += f"; ends {dict(found.ends)}, refusals {dict(found.refusals)}"
    holds = not wrong and not is_other and tolerable(list(found.refusals)) and found.events > 0
    return Row(promise, "0 lost, repeated or other", f"{wrong} in {of}", holds)
