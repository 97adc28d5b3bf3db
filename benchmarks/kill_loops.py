"""kill -9 again and again on one database, while clients insist on their replies; compared in the end.

No round waits for a lease: what died is told as interrupted while others stream and die. So a thousand kills
take minutes, and only the last ones are waited for.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.crowd import Crowd, crowd
from benchmarks.databases import integrity
from benchmarks.fault_cluster import WHERE_SERVERS_DIE, WORKERS, Count, cluster, lost
from benchmarks.guarantees import Row, in_time
from duihua.db import migrate
from tests.faults.driver import Server, Servers, servers
from tests.faults.nursery import nursery
from tests.faults.scenarios import Outcome
from tests.fixtures.postgres_server import private_postgres

# Longer than a lease, a round of recovery, and the start of a server on a busy machine.
_PATIENCE_SECONDS = 60.0
# A lease, and 15 seconds: nobody may hear nothing of a running reply for longer.
_SETTLED_SECONDS = 25.0
# So many replies are waited for before a kill, and for so long.
_HEARING, _BEGUN_SECONDS = 4, 5.0
_WHERE = {
    "worker": "a worker, of three machines of one",
    "all": "3 machines of one worker at once",
    "postgres": "PostgreSQL, all processes",
    "sqlite": "the one process on SQLite",
}


class Kills:
    """How many there are to be, and have been."""

    def __init__(self, mode: str, given: argparse.Namespace) -> None:
        self._mode, self._count = mode, Count(given.kills, given.bound)
        self.done = self._met = 0
        self.last_at = time.monotonic()

    @property
    def left(self) -> bool:
        """Whether there are to be more."""
        return self._count.wants(self.done)

    async def moment(self, asking: Crowd, most: float) -> None:
        """A random one, after replies have begun to come: a kill that meets none shows nothing."""
        until = time.monotonic() + _BEGUN_SECONDS
        while asking.hearing < _HEARING and time.monotonic() < until:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)
        await asyncio.sleep(random.uniform(0, most))
        self._met += asking.hearing

    def count(self, number: int = 1) -> None:
        """So many now."""
        before, self.done, self.last_at = self.done, self.done + number, time.monotonic()
        if self.done // 50 > before // 50:
            print(f"  {self._mode}: {self.done} of {self._count.wanted} killed", flush=True)

    async def outcome(self, asking: Crowd, url: str) -> list[Row]:
        """What clients saw, and how long they heard nothing."""
        found = await asking.outcome(url, self.last_at, _PATIENCE_SECONDS)
        return [self._row(found), self._in_time(found)]

    def _row(self, found: Outcome) -> Row:
        promise = f"G1, G2, G3 durable, once: {_WHERE[self._mode]}"
        kills = f"{self._count.of(self.done)} kills, {self._met} times a reply was coming"
        told = f"{kills}, {dict(found.ends)}, refusals: {dict(found.refusals)}"
        row = lost(promise, found, told, ends=WHERE_SERVERS_DIE)
        return self._count.completed(row, self.done)

    def _in_time(self, found: Outcome) -> Row:
        most = max(found.silence, found.seconds)
        return in_time(f"G5 every run ends: {_WHERE[self._mode]}", most, _SETTLED_SECONDS)


def _script() -> dict[str, Any]:
    """Replies of half a second to some seconds."""
    return {"tokens": random.randint(10, 100), "rate": random.choice([20, 30, 40])}


async def one_worker(started: Servers, asking: Crowd, kills: Kills) -> None:
    """Machines of one worker each: in each place one serves, is killed and started again at once.

    Workers of one parent would come back later and later while they die young.
    """

    async def place() -> None:
        while kills.left:
            server = await started.start()
            asking.ports.append(server.port)
            await kills.moment(asking, 1.0)
            await server.kill()
            asking.ports.remove(server.port)
            kills.count()
        asking.ports.append((await started.start()).port)

    await asyncio.gather(*(place() for _ in range(int(WORKERS))))


async def all_workers(started: Servers, asking: Crowd, kills: Kills) -> None:
    """All three at once, and started again at once."""

    async def start() -> list[Server]:
        serving = await asyncio.gather(*(started.start() for _ in range(int(WORKERS))))
        asking.ports[:] = [server.port for server in serving]
        return serving

    while kills.left:
        serving = await start()
        await kills.moment(asking, 1.0)
        await asyncio.gather(*(server.kill() for server in serving))
        asking.ports.clear()
        kills.count(len(serving))
    await start()


async def one_process(started: Servers, asking: Crowd, kills: Kills) -> None:
    """The only one that there is; one start in ten is itself killed, at any point of it."""
    while kills.left:
        if random.random() < 0.1:
            server = await started.execute()
            await asyncio.sleep(random.uniform(0.2, 1.5))
        else:
            server = await started.start()
            asking.ports[:] = [server.port]
            await kills.moment(asking, 1.0)
        await server.kill()
        asking.ports.clear()
        kills.count()
    asking.ports[:] = [(await started.start()).port]


async def workers_killed(given: argparse.Namespace) -> list[Row]:
    """One worker after the other, on machines of their own."""
    return await _on_cluster(given, Kills("worker", given), one_worker)


async def all_killed(given: argparse.Namespace) -> list[Row]:
    """All workers at once; with their parent they are killed in `dying`."""
    return await _on_cluster(given, Kills("all", given), all_workers)


async def postgres_killed(given: argparse.Namespace) -> list[Row]:
    """PostgreSQL with all its processes, under three workers."""
    kills = Kills("postgres", given)
    with tempfile.TemporaryDirectory() as folder:
        async with private_postgres() as postgres:
            await asyncio.to_thread(migrate.upgrade, postgres.url)
            options = {"DUIHUA_WORKERS": WORKERS, "REDIS_URL": given.redis}
            async with (
                servers(Path(folder), postgres.url, **options) as started,
                crowd(given.streams, _script) as asking,
            ):
                asking.ports.append((await started.start()).port)
                while kills.left:
                    await kills.moment(asking, 1.0)
                    postgres.kill()
                    kills.count()
                    await asyncio.sleep(random.uniform(0, 0.3))
                    await postgres.start()
                return await kills.outcome(asking, postgres.url)


async def sqlite_killed(given: argparse.Namespace) -> list[Row]:
    """The only process, on SQLite."""
    kills = Kills("sqlite", given)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/duihua.db"
        async with (
            nursery() as forks,
            servers(Path(folder), url, nursery=forks) as started,
            crowd(given.streams, _script) as asking,
        ):
            await one_process(started, asking, kills)
            rows = await kills.outcome(asking, url)
        damage = integrity(Path(folder) / "duihua.db")
    return [*rows, Row("G1 the SQLite file is whole", "ok", damage, damage == "ok")]


Loop = Callable[[Servers, Crowd, Kills], Awaitable[None]]


async def _on_cluster(given: argparse.Namespace, kills: Kills, loop: Loop) -> list[Row]:
    # Of a client whose worker was killed nothing is heard until the lease has ended: others ask meanwhile.
    async with (
        nursery() as forks,
        # PostgreSQL takes a while to miss those whose client was killed.
        cluster(given, nursery=forks, DUIHUA_WORKERS="1", DUIHUA_DATABASE_CONNECTIONS="3") as on,
        crowd(2 * given.streams, _script) as asking,
    ):
        await loop(on.started, asking, kills)
        return await kills.outcome(asking, on.url)
