"""Rows of the table of guarantees, and those of them that other benchmarks and the tests show."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

G = TypeVar("G")

SUITES = {
    "G3 a retry is the same request, or is refused": ["tests/api/test_races.py", "tests/faults/test_kill.py"],
    "G4 stop means stop": ["tests/generation/test_room.py", "tests/cluster/test_two_workers.py"],
    "G5 SIGTERM": ["tests/faults/test_stop.py"],
    "G6 truncation is never success": ["tests/providers/test_fixtures.py"],
    "G7 snapshot and events are one truth": [
        "tests/truth",
        "tests/generation/test_laws.py",
        "tests/cluster/test_events.py",
    ],
    "G12 no input gives a 5xx": ["tests/api/test_bad_input.py"],
    "G13 memory is bounded": ["tests/generation/test_journal.py", "tests/api/test_body_limits.py"],
    "G14 disks that are full, or only read; fifty writers": ["tests/db"],
    "G15 upgrades lose nothing, four servers start at once": [
        "tests/migrations/test_accidents.py",
        "tests/cluster/test_workers.py",
    ],
    "G14 where nothing can be written, reading goes on": ["tests/api/test_reading.py"],
    "G16 order does not depend on the clock": [
        "tests/cluster/test_fences.py",
        "tests/generation/test_clock_jumps.py",
    ],
    "G17 any Unicode comes back": [
        "tests/providers/test_text.py",
        "tests/properties",
        "tests/generation/test_unicode.py",
    ],
    "G18 trouble of providers is contained": [
        "tests/providers/test_transport.py",
        "tests/providers/test_breaker.py",
    ],
}


class Row(NamedTuple):
    """One line of the table."""

    promise: str
    target: str
    measured: str
    holds: bool


async def outcome(part: Callable[[G], Awaitable[list[Row]]], given: G, seconds: float) -> list[Row]:
    """The rows of a part; one that says so where it came to no result."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            rows = await part(given)
    except (TimeoutError, OSError, AssertionError, RuntimeError) as error:
        rows = [Row(part.__name__, "a result", f"{type(error).__name__} {error}"[:2000], False)]
    print(f"  {part.__name__}: {time.monotonic() - began:.0f} s", flush=True)
    # All of them together come hours later.
    for row in rows:
        print(f"    {'ok' if row.holds else 'MISSED'}  {row.promise}: {row.measured}", flush=True)
    return rows


def in_time(promise: str, seconds: float, most: float) -> Row:
    """A row about a time."""
    return Row(promise, f"<= {most:g} s", f"{seconds:.2f} s", seconds <= most)


def of_benchmarks(kills: int, cuts: int) -> list[Row]:
    """One process on SQLite under the benchmarks that have it to themselves."""
    commands = {
        f"G1, G3, G5 one process on SQLite, {kills} times killed": ["kill_rounds", "--rounds", str(kills)],
        f"G2 one process on SQLite, {cuts} connections cut": ["cuts", "--cuts", str(cuts)],
        "G18 a provider that does not answer slows no other": ["bad_provider"],
    }
    return [_benchmark(promise, arguments) for promise, arguments in commands.items()]


def _benchmark(promise: str, arguments: Sequence[str]) -> Row:
    name, *options = arguments
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    checks = re.findall(r"^  (ok  |FAIL) (.*)$", done.stdout, re.MULTILINE)
    missed = [text for result, text in checks if result == "FAIL"]
    measured = "; ".join(missed) or f"{len(checks)} checks hold"
    return Row(promise, "every check", measured, done.returncode == 0 and bool(checks))


def of_tests() -> list[Row]:
    """What tests show."""
    return [_suite(promise, paths) for promise, paths in SUITES.items()]


def _suite(promise: str, paths: Sequence[str]) -> Row:
    """A guarantee that tests of one process show."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--no-header", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    passed = re.search(r"(\d+) passed", done.stdout)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "nothing"
    holds = done.returncode == 0 and passed is not None and "skipped" not in last
    return Row(promise, "every test", last, holds)
