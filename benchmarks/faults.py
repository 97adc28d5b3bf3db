"""Guarantees under faults, with three workers on PostgreSQL and Redis: what was promised, what was measured.

    python -m benchmarks.faults [--short] [--only NAME ...] [--rounds 5] [--streams 24] [--cuts 1000]

Workers are killed and frozen, all processes are killed at once, workers are renewed, connections are cut at
random bytes, retries come at the same time, PostgreSQL is cut off, silent and killed, Redis likewise; the
power of one process on SQLite is lost. Clients insist until they have the end of their reply; what each of
them saw is compared with what the database holds. What one process can show is left to the benchmarks and
tests that do so: `alone` and `tests` run them. A part that has no result after `--bound` seconds is a miss.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import cluster as pair
from benchmarks.databases import temporary_database
from benchmarks.figures import percentile, table
from benchmarks.guarantees import Row, in_time, of_benchmarks, of_tests, outcome
from benchmarks.processes import Setting, stage
from duihua.db import migrate
from tests.faults import power, scenarios
from tests.faults.driver import Server, Servers, servers
from tests.faults.history import STREAM, held
from tests.faults.listener import post, whole
from tests.faults.proxy import PLACES, Cut, Proxy, proxy
from tests.faults.scenarios import Outcome
from tests.fixtures.postgres_server import PrivatePostgres, private_postgres
from tests.fixtures.redis import PrivateRedis, private_redis

WORKERS = "3"
Accident = Callable[[], Awaitable[None]]


class Cutting(Proxy):
    """Cuts each connection somewhere."""

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = random.choice(list(PLACES))
        self.cut = Cut(place, random.randrange(1500), resets=random.random() < 0.5)
        super().accept(reader, writer)


class Cluster(NamedTuple):
    """Servers that can be started, and what they stand on."""

    started: Servers
    url: str
    given: argparse.Namespace

    async def server(self) -> Server:
        """A new one."""
        return await self.started.start()


@asynccontextmanager
async def cluster(given: argparse.Namespace, **options: str) -> AsyncIterator[Cluster]:
    """On a database of its own, migrated."""
    with tempfile.TemporaryDirectory() as folder:
        async with temporary_database(given.postgres) as setting:
            url = setting.environment["DATABASE_URL"]
            await asyncio.to_thread(migrate.upgrade, url)
            environment = {"DUIHUA_WORKERS": WORKERS, "REDIS_URL": given.redis, **options}
            async with servers(Path(folder), url, **environment) as started:
                yield Cluster(started, url, given)


def _merged(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        [problem for outcome in outcomes for problem in outcome.differences],
        sum((outcome.ends for outcome in outcomes), Counter()),
        sum(outcome.events for outcome in outcomes),
        max(outcome.seconds for outcome in outcomes),
        [gap for outcome in outcomes for gap in outcome.gaps],
        max(outcome.silence for outcome in outcomes),
        sum((outcome.refusals for outcome in outcomes), Counter()),
    )


def _lost(promise: str, found: Outcome, kills: str) -> Row:
    for problem in found.differences[:5]:
        print(f"  {problem[:300]}")
    measured = f"{len(found.differences)} in {found.events} events of {found.ends.total()} replies, {kills}"
    return Row(promise, "0 lost, repeated or other", measured, not found.differences)


async def dying(given: argparse.Namespace) -> list[Row]:
    """Workers killed and frozen, one by one and all at once."""
    singly, together = [], []
    for _ in range(given.rounds):
        async with cluster(given) as on:
            singly.append(await scenarios.kill_and_freeze(await on.server(), on.url, given.streams))
        async with cluster(given) as on:
            together.append(await scenarios.kill_all(on.started, await on.server(), on.url, given.streams))
    one, all_ = _merged(singly), _merged(together)
    return [
        _lost("G1 durable before shown: worker killed, one frozen", one, f"{2 * given.rounds} workers"),
        _lost("G1 durable before shown: all killed at once", all_, f"{3 * given.rounds} workers"),
        in_time("G5 every run ends: after kill or SIGSTOP", one.seconds, 15),
        in_time("G5 every run ends: after the restart of all", all_.seconds, 15),
    ]


async def renewed(given: argparse.Namespace) -> list[Row]:
    """A rolling restart with a hundred streams, and SIGTERM while replies run that are too long."""
    async with cluster(given) as on:
        server = await on.server()
        found = await scenarios.renew(server, on.url, 100, tokens=200, rate=20)
        async with scenarios.asking(server, on.url) as clients:
            await clients.ask(20, tokens=2000, rate=20)
            await asyncio.sleep(1)
            began = time.monotonic()
            server.terminate()
            await server.ended()
            seconds = time.monotonic() - began
        left = sum(run.state == "streaming" for runs in (await held(on.url)).values() for run in runs)
    resumed = max(found.gaps, default=0.0)
    return [
        _lost("G2 rolling restart of 3 workers", found, f"{dict(found.ends)}"),
        in_time("G2 rolling restart: clients resume", resumed, 2),
        in_time("G5 SIGTERM drains", seconds, 10),
        Row("G5 SIGTERM leaves nothing unfinished", "0", str(left), left == 0),
    ]


async def cut(given: argparse.Namespace) -> list[Row]:
    """Connections cut at random bytes; whichever worker is free answers the next one."""
    async with cluster(given) as on:
        server = await on.server()
        async with proxy(server.port, Cutting) as between:
            outcomes = []
            while between.cuts.total() < given.cuts:
                async with scenarios.asking(server, on.url) as clients:
                    await clients.ask(10, through=between.port, tokens=120, rate=60)
                    outcomes.append(await clients.outcome(time.monotonic(), patience=120))
            cuts = between.cuts.total()
    found = _merged(outcomes)
    p95 = percentile(found.gaps, 95) * 1000
    return [
        _lost("G2 exactly-once resume", found, f"{cuts} cuts"),
        Row("G2 first byte after a resume, p95", "<= 100 ms", f"{p95:.0f} ms", p95 <= 100),
    ]


async def retried(given: argparse.Namespace) -> list[Row]:
    """The same request eight times at once, and the first one fifty times."""
    async with cluster(given) as on:
        server = await on.server()
        async with scenarios.asking(server, on.url) as clients:
            chats = await clients.conversations(given.keys)
        wrong = 0
        for number, chat_id in enumerate(chats):
            body = {"chat_id": chat_id, "content": "问", "config": {"offline": {"tokens": 3, "rate": 0}}}
            request = post(STREAM, body, key=chat_id)
            answers = await asyncio.gather(*(whole(server.port, request) for _ in range(8 if number else 50)))
            wrong += len({answer.seen() for answer in answers}) != 1
        stored = await held(on.url)
        doubled = sum(len(stored[chat_id]) != 1 for chat_id in chats)
    measured = f"{doubled} of {len(chats)} keys, {wrong} answered differently, 8 or 50 at once"
    return [Row("G3 a retry never duplicates", "0 duplicates", measured, doubled + wrong == 0)]


async def elsewhere(given: argparse.Namespace) -> list[Row]:
    """Stopped and resumed at another worker, with Redis and without."""
    async with temporary_database(given.postgres) as made, stage() as on:
        setting = Setting({**made.environment, "REDIS_URL": given.redis})
        found, complaints = await pair.distances(on, setting, given)
    p99 = {name: percentile(values, 99) for name, values in found.items()}
    resumed = percentile(found["resume"], 95)
    return [
        in_time("G4 stop at another worker, upstream closed, p99", p99["stop"] / 1000, 0.2),
        in_time("G4 the same without Redis", p99["stop, without Redis"] / 1000, 1),
        in_time("G2 resume at another worker, first byte, p95", resumed / 1000, 0.1),
        Row("G4 warnings in the logs meanwhile", "0", str(len(complaints)), not complaints),
    ]


async def powerless(given: argparse.Namespace) -> list[Row]:
    """The power of one process on SQLite is lost, `synchronous=full`."""
    promise, target = "G1 durable before shown: power lost, SQLite", "0 lost or broken"
    with tempfile.TemporaryDirectory() as folder:
        library = power.compiled(Path(folder))
        if library is None:
            return [Row(promise, target, "no C compiler", False)]
        found = await power.lose_power(Path(folder), library, given.cuts // 2)
    measured = f"{len(found.problems)} in {found.cuts} losses, {found.events} events shown"
    return [Row(promise, target, measured, not found.problems)]


async def storages(given: argparse.Namespace) -> list[Row]:
    """PostgreSQL and Redis, each of our own, both behind a proxy."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        async with (
            private_postgres() as postgres,
            proxy(postgres.port) as before_postgres,
            private_redis(Path(folder)) as redis,
            proxy(redis.port) as before_redis,
        ):
            accidents = _accidents(postgres, before_postgres) | _of_redis(redis, before_redis)
            options = {"DUIHUA_WORKERS": WORKERS, "REDIS_URL": f"redis://127.0.0.1:{before_redis.port}/0"}
            through = f"postgresql://postgres@127.0.0.1:{before_postgres.port}/postgres"
            async with servers(Path(folder), through, **options) as started:
                server = await started.start()
                for name, accident in accidents.items():
                    found = await scenarios.with_database_accident(
                        server, postgres.url, given.streams, accident
                    )
                    row = _lost(f"G14 {name}", found, f"longest silence {found.silence:.1f} s")
                    is_told = scenarios.tolerable(list(found.refusals))
                    rows.append(row._replace(holds=row.holds and is_told))
    return rows


def _accidents(postgres: PrivatePostgres, between: Proxy) -> dict[str, Accident]:
    async def kill() -> None:
        postgres.kill()
        await asyncio.sleep(1)
        await postgres.start()

    return {
        "PostgreSQL cut off": partial(scenarios.sever, between, 5),
        "PostgreSQL silent for 3 s": partial(scenarios.stall, between, 3),
        "PostgreSQL's sessions ended": partial(scenarios.terminate_backends, postgres.url),
        "PostgreSQL killed": kill,
    }


def _of_redis(redis: PrivateRedis, between: Proxy) -> dict[str, Accident]:
    async def kill() -> None:
        await redis.kill()
        await asyncio.sleep(1)
        await redis.start()

    return {
        "Redis cut off": partial(scenarios.sever, between, 5),
        "Redis silent for 3 s": partial(scenarios.stall, between, 3),
        "Redis flushed": redis.flush,
        "Redis killed": kill,
    }


async def alone(given: argparse.Namespace) -> list[Row]:
    """One process on SQLite: killed, and cut off."""
    return await asyncio.to_thread(of_benchmarks, given.rounds * 4, given.cuts)


async def tests(_: argparse.Namespace) -> list[Row]:
    """Guarantees that tests show."""
    return await asyncio.to_thread(of_tests)


SCENARIOS = (dying, renewed, cut, retried, elsewhere, powerless, storages, alone, tests)
SHORT = {"rounds": 1, "streams": 12, "cuts": 200, "keys": 40, "tries": 40}


async def measure(given: argparse.Namespace) -> int:
    """Run; print the table."""
    chosen = [each for each in SCENARIOS if not given.only or each.__name__ in given.only]
    rows = [row for scenario in chosen for row in await outcome(scenario, given, given.bound)]
    table(
        "Guarantees under faults",
        ("promise", "target", "measured", ""),
        [(row.promise, row.target, row.measured, "ok" if row.holds else "MISSED") for row in rows],
    )
    return 0 if all(row.holds for row in rows) else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    for name, number in {"rounds": 5, "streams": 24, "cuts": 1000, "keys": 200, "tries": 200}.items():
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--bound", type=float, default=1200, help="seconds for each part")
    parser.add_argument("--only", nargs="+", choices=[scenario.__name__ for scenario in SCENARIOS])
    parser.add_argument(
        "--short", action="store_true", help=" ".join(f"--{name} {n}" for name, n in SHORT.items())
    )
    given = parser.parse_args()
    if given.short:
        vars(given).update(SHORT)
    return asyncio.run(measure(given))


if __name__ == "__main__":
    sys.exit(main())
