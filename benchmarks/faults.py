"""Guarantees under faults, with three workers on PostgreSQL and Redis: what was promised, what was measured.

    python -m benchmarks.faults [--rounds 5] [--streams 24] [--cuts 1000] [--keys 200] [--only NAME]

Workers are killed and frozen, all processes are killed at once, workers are renewed, connections are cut at
random bytes, retries come at the same time, PostgreSQL is cut off, silent and killed, Redis likewise. Clients
insist until they have the end of their reply; what each of them saw is compared with what the database holds.
Guarantees that one process can show are left to the tests that do so: with `--tests` these are run too.
"""

import argparse
import asyncio
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.databases import temporary_database
from benchmarks.figures import percentile, table
from duihua.db import migrate
from tests.faults import scenarios
from tests.faults.driver import Server, Servers, servers
from tests.faults.history import STREAM, held
from tests.faults.listener import post, whole
from tests.faults.proxy import PLACES, Cut, Proxy, proxy
from tests.faults.scenarios import Outcome
from tests.fixtures.postgres_server import PrivatePostgres, private_postgres
from tests.fixtures.redis import PrivateRedis, private_redis

WORKERS = "3"
Accident = Callable[[], Awaitable[None]]
SUITES = {
    "G6 truncation is never success": ["tests/providers/test_fixtures.py"],
    "G7 snapshot and events are one truth": ["tests/generation/test_laws.py", "tests/cluster/test_events.py"],
    "G12 no input gives a 5xx": ["tests/api/test_bad_input.py"],
    "G13 memory is bounded": ["tests/generation/test_journal.py", "tests/api/test_body_limits.py"],
    "G15 upgrades lose nothing": ["tests/migrations/test_accidents.py"],
    "G16 order does not depend on the clock": ["tests/cluster/test_fences.py"],
    "G17 any Unicode comes back": ["tests/providers/test_text.py", "tests/properties"],
    "G18 trouble of providers is contained": ["tests/providers/test_transport.py"],
}


class Row(NamedTuple):
    """One line of the table."""

    promise: str
    target: str
    measured: str
    holds: bool


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
        sum((outcome.refusals for outcome in outcomes), Counter()),
    )


def _lost(promise: str, found: Outcome, kills: str) -> Row:
    for problem in found.differences[:5]:
        print(f"  {problem[:300]}")
    measured = f"{len(found.differences)} in {found.events} events of {found.ends.total()} replies, {kills}"
    return Row(promise, "0 lost, repeated or other", measured, not found.differences)


def _in_time(promise: str, seconds: float, most: float) -> Row:
    return Row(promise, f"<= {most:g} s", f"{seconds:.2f} s", seconds <= most)


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
        _in_time("G5 every run ends: after kill or SIGSTOP", one.seconds, 15),
        _in_time("G5 every run ends: after the restart of all", all_.seconds, 15),
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
        _in_time("G2 rolling restart: clients resume", resumed, 2),
        _in_time("G5 SIGTERM drains", seconds, 10),
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
    """The same request eight times at once."""
    async with cluster(given) as on:
        server = await on.server()
        async with scenarios.asking(server, on.url) as clients:
            chats = await clients.conversations(given.keys)
        wrong = 0
        for chat_id in chats:
            body = {"chat_id": chat_id, "content": "问", "config": {"offline": {"tokens": 3, "rate": 0}}}
            request = post(STREAM, body, key=chat_id)
            answers = await asyncio.gather(*(whole(server.port, request) for _ in range(8)))
            wrong += len({answer.seen() for answer in answers}) != 1
        stored = await held(on.url)
        doubled = sum(len(stored[chat_id]) != 1 for chat_id in chats)
    measured = f"{doubled} of {len(chats)} keys, {wrong} answered differently, 8 at once"
    return [Row("G3 a retry never duplicates", "0 duplicates", measured, doubled + wrong == 0)]


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
                    row = _lost(f"G14 {name}", found, f"longest silence {max(found.gaps, default=0):.1f} s")
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


def suite(promise: str, paths: Sequence[str]) -> Row:
    """A guarantee that tests of one process show."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--no-header", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    passed = re.search(r"(\d+) passed", done.stdout)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "nothing"
    return Row(promise, "every test", last, done.returncode == 0 and passed is not None)


SCENARIOS = (dying, renewed, cut, retried, storages)


async def measure(given: argparse.Namespace) -> int:
    """Run; print the table."""
    rows: list[Row] = []
    for scenario in SCENARIOS:
        if given.only and scenario.__name__ not in given.only:
            continue
        began = time.monotonic()
        rows += await scenario(given)
        print(f"  {scenario.__name__}: {time.monotonic() - began:.0f} s", flush=True)
    if given.tests:
        rows += [await asyncio.to_thread(suite, *each) for each in SUITES.items()]
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
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=24)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--only", nargs="+", choices=[scenario.__name__ for scenario in SCENARIOS])
    parser.add_argument("--tests", action="store_true", help="also run the tests behind G6, G7, G12-G18")
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
