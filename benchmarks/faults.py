"""Guarantees under faults, with three workers on PostgreSQL and Redis: what was promised, what was measured.

    python -m benchmarks.faults [--short | --whole] [--only NAME ...] [--kills 20] [--cuts 1000] [--keys 200]

Workers are killed and frozen, all processes are killed at once, workers are renewed, connections are cut at
random bytes, retries come at the same time, PostgreSQL and Redis are cut off, silent, killed, restarted, gone
for a minute; the power of one process on SQLite is lost, its disk is full, fifty people write to it at once;
another is sent bad input and bombs, and is asked by clients that read nothing or reset their connections;
older deployments are killed while they are upgraded. Clients insist until they have the end of their reply;
what each of them saw is compared with what the database holds. What one process can show is left to the
benchmarks and tests that do so: `alone` and `tests` run them. A part that has no result after `--bound`
seconds is a miss. `--whole` does everything as often as a promise of so many zeros needs: hours, and a day
for the soak.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks import cluster as pair
from benchmarks.bad_requests import made_up, no_json
from benchmarks.bombs import bombs
from benchmarks.databases import temporary_database
from benchmarks.disks import disk_full, file_read_only
from benchmarks.exactly_once import cut, retried
from benchmarks.fault_cluster import WHERE_SERVERS_DIE, cluster, lost
from benchmarks.fifty_writers import fifty_writers
from benchmarks.figures import percentile, table
from benchmarks.fuzzing import fuzzed
from benchmarks.guarantees import Row, in_time, of_benchmarks, of_tests, outcome
from benchmarks.kill_loops import all_killed, postgres_killed, sqlite_killed, workers_killed
from benchmarks.many_clients import idle, resets
from benchmarks.one_truth import followed
from benchmarks.processes import Setting, stage
from benchmarks.slow_clients import silent
from benchmarks.soak import soak
from benchmarks.storage_away import pool_exhausted, postgres_restarted, redis_away, storages
from benchmarks.upgrades import upgrade_killed, upgrade_large
from tests.faults import power, scenarios
from tests.faults.history import held
from tests.faults.scenarios import Outcome


def _merged(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        [problem for outcome in outcomes for problem in outcome.differences],
        sum((outcome.ends for outcome in outcomes), Counter()),
        sum(outcome.events for outcome in outcomes),
        max(outcome.seconds for outcome in outcomes),
        [gap for outcome in outcomes for gap in outcome.gaps],
        [wait for outcome in outcomes for wait in outcome.waits],
        max(outcome.silence for outcome in outcomes),
        sum((outcome.refusals for outcome in outcomes), Counter()),
    )


async def dying(given: argparse.Namespace) -> list[Row]:
    """Workers killed and frozen, one by one and all at once."""
    singly, together = [], []
    for _ in range(given.rounds):
        async with cluster(given) as on:
            singly.append(
                await scenarios.kill_and_freeze(await on.server(), on.url, given.streams, given.frozen)
            )
        async with cluster(given) as on:
            together.append(await scenarios.kill_all(on.started, await on.server(), on.url, given.streams))
    one, all_ = _merged(singly), _merged(together)
    return [
        lost(
            "G1 durable before shown: worker killed, one frozen",
            one,
            f"{2 * given.rounds} workers, {given.frozen} s",
            ends=WHERE_SERVERS_DIE,
        ),
        lost(
            "G1 durable before shown: all killed at once",
            all_,
            f"{3 * given.rounds} workers",
            ends=WHERE_SERVERS_DIE,
        ),
        in_time("G5 every run ends: after kill or SIGSTOP", one.seconds, 15),
        in_time("G5 every run ends: after the restart of all", all_.seconds, 15),
    ]


async def renewed(given: argparse.Namespace) -> list[Row]:
    """A rolling restart with a hundred streams, and SIGTERM while replies run that are too long."""
    async with cluster(given) as on:
        server = await on.server()
        found = await scenarios.renew(server, on.url, 100, tokens=400, rate=20)
        async with scenarios.asking(server, on.url) as clients:
            await clients.ask(20, tokens=2000, rate=20)
            await asyncio.sleep(1)
            began = time.monotonic()
            server.terminate()
            await server.ended()
            seconds = time.monotonic() - began
            stopped = await clients.outcome(began, patience=5)
        left = sum(run.state == "streaming" for runs in (await held(on.url)).values() for run in runs)
    return [
        lost("G2 rolling restart of 3 workers", found, f"{dict(found.ends)}", ends=WHERE_SERVERS_DIE),
        _resumed("G2 rolling restart: clients resume", found.gaps),
        in_time("G5 SIGTERM drains", seconds, 10),
        lost(
            "G5 SIGTERM tells every client the end",
            stopped,
            f"{dict(stopped.ends)}",
            ends={"generation_interrupted"},
        ),
        Row("G5 SIGTERM leaves nothing unfinished", "0", str(left), left == 0),
    ]


def _resumed(promise: str, gaps: Sequence[float]) -> Row:
    """A row about how soon clients went on, of whom some must have had to."""
    row = in_time(promise, max(gaps, default=0.0), 2)
    return row._replace(measured=f"{row.measured}, {len(gaps)} had to", holds=row.holds and bool(gaps))


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
        found = await power.lose_power(Path(folder), library, min(given.cuts // 2, 500))
    measured = f"{len(found.problems)} in {found.cuts} losses, {found.events} events shown"
    return [Row(promise, target, measured, not found.problems and found.cuts > 0 and found.events > 0)]


async def alone(given: argparse.Namespace) -> list[Row]:
    """One process on SQLite: killed, and cut off."""
    return await asyncio.to_thread(of_benchmarks, given.rounds * 4, given.cuts)


async def tests(_: argparse.Namespace) -> list[Row]:
    """Guarantees that tests show."""
    return await asyncio.to_thread(of_tests)


SCENARIOS = (
    dying,
    workers_killed,
    all_killed,
    postgres_killed,
    sqlite_killed,
    renewed,
    cut,
    retried,
    followed,
    elsewhere,
    powerless,
    storages,
    made_up,
    no_json,
    fuzzed,
    silent,
    idle,
    resets,
    bombs,
    soak,
    redis_away,
    postgres_restarted,
    pool_exhausted,
    fifty_writers,
    disk_full,
    file_read_only,
    upgrade_killed,
    upgrade_large,
    alone,
    tests,
)
NUMBERS = {
    "rounds": (5, "of killing and freezing, with as many streams"),
    "streams": (24, "at once"),
    "kills": (20, "in each mode"),
    "cuts": (1000, "of connections"),
    "keys": (200, "of requests that are repeated"),
    "operations": (1000, "of two people who are followed"),
    "tries": (200, "of stopping and resuming elsewhere"),
    "writing": (60, "seconds that fifty people write"),
    "upgrades": (20, "of each database that are killed"),
    "messages": (100_000, "of a large older deployment"),
    "frozen": (15, "seconds that a worker is frozen"),
    "at_once": (10, "clients and keys where there are cuts and repetitions"),
    "examples": (100, "requests that are made up for each route"),
    "inputs": (1_000_000, "at most for each fuzzed parser"),
    "fuzz_seconds": (30, "at most for each"),
    "silent": (1000, "clients that never read"),
    "open": (1000, "streams at once"),
    "resets": (10_000, "connections"),
}
SHORT = {
    "rounds": 1,
    "streams": 12,
    "kills": 6,
    "cuts": 200,
    "keys": 40,
    "operations": 300,
    "tries": 40,
    "writing": 10,
    "upgrades": 10,
    "messages": 20_000,
    "examples": 4,
    "fuzz_seconds": 5,
    "silent": 200,
    "open": 200,
    "resets": 1000,
    "soak_hours": 0.02,
}
WHOLE = {
    "kills": 1000,
    "cuts": 10_000,
    "keys": 10_000,
    "operations": 100_000,
    "writing": 600,
    "upgrades": 200,
    "messages": 1_000_000,
    "frozen": 60,
    "at_once": 30,
    "examples": 1000,
    "fuzz_seconds": 600,
    "soak_hours": 24.0,
    "bound": 14_400.0,
}


async def measure(given: argparse.Namespace) -> int:
    """Run; print the table."""
    chosen = [each for each in SCENARIOS if not given.only or each.__name__ in given.only]
    bound = given.bound + given.soak_hours * 3600
    rows = [row for scenario in chosen for row in await outcome(scenario, given, bound)]
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
    for name, (number, of) in NUMBERS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=number, help=f"{number} {of}")
    parser.add_argument("--soak-hours", type=float, default=0.1, help="of mixed work; less than one is noise")
    parser.add_argument("--bound", type=float, default=1200, help="seconds for each part, beside the soak's")
    parser.add_argument("--only", nargs="+", choices=[scenario.__name__ for scenario in SCENARIOS])
    for name, numbers in {"short": SHORT, "whole": WHOLE}.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"{numbers}")
    given = parser.parse_args()
    parser.set_defaults(**SHORT if given.short else WHOLE if given.whole else {})
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
