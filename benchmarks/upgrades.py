"""Older deployments upgraded: killed at hundreds of moments and begun again; a million messages, in time."""

import argparse
import asyncio
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from benchmarks import search_archive
from benchmarks.cluster import Sessions
from benchmarks.fault_cluster import Count
from benchmarks.guarantees import Row
from benchmarks.processes import ROOT
from duihua.db import migrate
from duihua.db.session import open_database
from duihua.search_index import rebuilding
from tests.fixtures.postgres_server import private_postgres
from tests.migrations.databases import DIALECTS, Place, new_place
from tests.migrations.deployments import copied, fill, fingerprint, many, wait_for_server
from tests.migrations.older import FIRST, STYLES, WITH_CHATS, message

_MESSAGES = 1500
_MINUTES = 5.0
# So many real texts, again and again, are the million's.
_TEXTS = 20_000


class Shape(NamedTuple):
    """One kind of older deployment: which tables it has, and how their columns are declared."""

    dialect: str
    style: str
    tables: tuple[str, ...]


class Died(NamedTuple):
    """One upgrade that was killed so many seconds after its start, and what was wrong afterwards."""

    after: float
    problems: list[str]


_SHAPES = [
    Shape(dialect, style, tables)
    for dialect in DIALECTS
    for style in STYLES[dialect]
    for tables in (FIRST, WITH_CHATS)
]


async def upgrade_killed(given: argparse.Namespace) -> list[Row]:
    """Killed with kill -9 at moments spread over the whole upgrade of each shape; then run to the end."""
    async with private_postgres() as postgres:
        found = [await asyncio.to_thread(_killed, dialect, postgres.url, given) for dialect in DIALECTS]
    return [row for rows in found for row in rows]


def _killed(dialect: str, server: str, given: argparse.Namespace) -> list[Row]:
    shapes = [shape for shape in _SHAPES if shape.dialect == dialect]
    wanted, each = Count(given.upgrades, given.bound / len(DIALECTS)), -(-given.upgrades // len(shapes))
    died: list[Died] = []
    whole: list[float] = []
    for shape in shapes:
        with tempfile.TemporaryDirectory() as folder, new_place(dialect, Path(folder), server) as place:
            fill(place, shape.tables, shape.style)
            if shape.tables == WITH_CHATS:
                place.insert("messages", [message(n, 2 + n % 2) for n in range(100, 100 + _MESSAGES)])
            upgraded = _Upgraded(place, Path(folder))
            whole.append(upgraded.seconds)
            for number in range(each):
                if wanted.wants(len(died)):
                    died.append(upgraded.die((number + random.random()) / each))
        print(f"  {dialect}, {shape.style}, {len(shape.tables)} tables: {len(died)} killed", flush=True)
    problems = [problem for one in died for problem in one.problems]
    print(*problems[:5], sep="\n", end="\n" * bool(problems), flush=True)
    earliest, latest = min(one.after for one in died), max(one.after for one in died)
    measured = (
        f"{len(problems)} other in {wanted.of(len(died))} kills of {len(shapes)} shapes, "
        f"{earliest:.2f} to {latest:.2f} s after the start, whole {min(whole):.1f} to {max(whole):.1f} s"
    )
    promise = f"G15 upgrade killed, then run again: rows, hashes, index, backup, {dialect}"
    return [wanted.completed(Row(promise, "0 other than undisturbed", measured, not problems), len(died))]


class _Upgraded:
    """An older deployment, and what one upgrade that nobody disturbs makes of it."""

    def __init__(self, place: Place, folder: Path) -> None:
        self._place, self._folder = place, folder
        self._copies = 0
        self._older = place.content()
        # The first that is forked waits for what forks it.
        for _ in range(2):
            with self._copy() as copy:
                began = time.monotonic()
                process = _begin(copy.url)
                process.join()
                self.seconds = time.monotonic() - began
                assert process.exitcode == 0, "the upgrade failed"
                self._expected = fingerprint(copy)

    def _copy(self) -> AbstractContextManager[Place]:
        self._copies += 1
        return copied(self._place, self._folder, self._copies)

    def die(self, part: float) -> Died:
        """Kill one after this part of the time that the whole takes, which one that is quicker tells."""
        while True:
            with self._copy() as copy:
                process, began = _begin(copy.url), time.monotonic()
                process.join(part * self.seconds)
                after = time.monotonic() - began
                process.kill()
                process.join()
                wait_for_server(copy)
                if process.exitcode == -signal.SIGKILL and copy.content() == self._older:
                    migrate.upgrade(copy.url)
                    return Died(after, list(self._problems(copy)))
                if migrate.check(copy.url) is not migrate.State.CURRENT:
                    return Died(after, [f"{copy.url}: neither old nor new after {after:.2f} s"])
                # It had committed, and whatever follows may be lost.
                problems = list(self._problems(copy))
                if problems or process.exitcode == -signal.SIGKILL:
                    return Died(after, problems)
                self.seconds = after

    def _problems(self, copy: Place) -> Iterator[str]:
        found = fingerprint(copy)
        for table in found.keys() | self._expected.keys():
            if found.get(table) != self._expected.get(table):
                yield f"{table}: {found.get(table)} instead of {self._expected.get(table)}"
        if copy.dialect == "sqlite":
            backups = list(copy.path.parent.glob("*.backup-*"))
            if len(backups) != 1 or Place(f"sqlite:///{backups[0]}").content() != self._older:
                yield f"backups: {backups}"
        for kind in rebuilding.KINDS:
            index = asyncio.run(_healed(copy.url, kind))
            if index.corrected or index.reason:
                yield f"the index of {kind}: {index}"


def _begin(url: str) -> BaseProcess:
    """An upgrade in a process of its own, forked from one that has imported what it takes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["alembic.command", "asyncpg", __name__])
    process = context.Process(target=migrate.upgrade, args=(url,))
    process.start()
    return process


async def _healed(url: str, kind: str) -> rebuilding.Finding:
    database = open_database(url)
    try:
        return await rebuilding.heal(database, kind, lambda _: None)
    finally:
        await database.close()


async def upgrade_large(given: argparse.Namespace) -> list[Row]:
    """Real texts, with the index of search, which is made by the upgrade itself."""
    found = [await asyncio.to_thread(_large, dialect, given.postgres, given.messages) for dialect in DIALECTS]
    return [row for rows in found for row in rows]


def _large(dialect: str, server: str, messages: int) -> list[Row]:
    texts = [text for said in search_archive.read() for text in said][:_TEXTS]
    with tempfile.TemporaryDirectory() as folder, new_place(dialect, Path(folder), server) as place:
        place.run("CREATE TABLE said (n INTEGER PRIMARY KEY, content TEXT)")
        place.insert("said", [{"n": n, "content": text} for n, text in enumerate(texts)])
        many(place, messages, f"(SELECT content FROM said WHERE said.n = counted.n % {len(texts)})")
        place.run("DROP TABLE said")
        spent = _spent(place.url)
        (documents,) = place.column("SELECT count(*) FROM message_documents")
        (kept,) = place.column("SELECT count(*) FROM messages")
    promise = f"G15 {messages:,} messages upgraded, {dialect}"
    return [
        Row(
            promise,
            f"<= {_MINUTES:g} min",
            f"{spent.seconds:.0f} s, CPU {spent.own:.0f} s and {spent.postgres:.0f} s of PostgreSQL's",
            spent.seconds <= _MINUTES * 60,
        ),
        Row(
            f"{promise}: kept, and found by search",
            f"{messages:,}",
            f"{kept:,}, {documents:,}; the process had at most {spent.peak:.0f} MiB",
            kept == documents == messages,
        ),
    ]


class Spent(NamedTuple):
    """What an upgrade took: seconds of the clock, of its CPU and of PostgreSQL's, and MiB at most."""

    seconds: float
    own: float
    postgres: float
    peak: float


def _spent(url: str) -> Spent:
    began, postgres = time.monotonic(), 0.0
    arguments = [sys.executable, "-m", "duihua", "migrate", url]
    pid = os.posix_spawn(sys.executable, arguments, os.environ | {"PYTHONPATH": str(ROOT)})
    while True:
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            break
        if url.startswith("postgresql"):
            postgres = max(postgres, asyncio.run(Sessions(url).seconds()))
        time.sleep(0.5)
    assert status == 0, "the upgrade failed"
    own = used.ru_utime + used.ru_stime
    return Spent(time.monotonic() - began, own, postgres, used.ru_maxrss / 1024)
