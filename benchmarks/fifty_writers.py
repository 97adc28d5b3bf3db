"""Fifty people write to one server on SQLite for minutes: nobody is told that the database is locked.

Meanwhile somebody reads for half a minute in one transaction, which keeps the write-ahead log from being
emptied, and then copies the file as a backup does; again and again.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.databases import integrity
from benchmarks.guarantees import Row
from benchmarks.writers import differences, writers
from tests.faults.driver import servers

_WRITERS = 50
_READ_SECONDS = 30.0
_COPY = "copy.db"


async def fifty_writers(given: argparse.Namespace) -> list[Row]:
    """Over HTTP, beside a long reader and backups."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "duihua.db"
        async with servers(Path(folder)) as started:
            server = await started.start()
            until = time.monotonic() + given.writing
            async with writers(_WRITERS, server.port) as those:
                for writer in those:
                    writer.until = until
                beside = asyncio.create_task(_read_and_copy(path, until))
                await asyncio.gather(*(writer.write() for writer in those))
                copied = await beside
            wrong = await differences(those, server.database_url)
            locked = server.log.count("database is locked")
        damage = {integrity(file) for file in (path, path.with_name(_COPY))} - {"ok"}
    refusals = sum((writer.refusals for writer in those), Counter())
    texts = sum(len(writer.texts) for writer in those)
    done, slowest = sum(writer.acknowledged for writer in those), max(writer.slowest for writer in those)
    print(*wrong[:5], sep="\n", flush=True)
    told = f"{done} acknowledged in {given.writing:g} s, slowest {slowest:.1f} s, beside {copied} backups"
    return [
        Row("G14 50 writers, SQLite: `database is locked`", "0", f"{locked}, {told}", locked == 0),
        Row(
            "G14 50 writers: refusals but 503 with Retry-After",
            "0",
            f"{dict(refusals)}",
            _announced(refusals),
        ),
        Row(
            "G14 50 writers: acknowledged and not there",
            "0",
            f"{len(wrong)} of {texts} texts, {damage or 'file and backup whole'}",
            not wrong and not damage and texts >= _WRITERS and copied > 0,
        ),
    ]


def _announced(refusals: Counter[str]) -> bool:
    return all(refusal.startswith("503 ") and "(no" not in refusal for refusal in refusals)


async def _read_and_copy(path: Path, until: float) -> int:
    """A long transaction, then a backup, until then; how many backups."""
    copied = 0
    while time.monotonic() < until:
        seconds = min(_READ_SECONDS, until - time.monotonic())
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM messages").fetchone()
            await asyncio.sleep(seconds)
        await asyncio.to_thread(_copy, path)
        copied += 1
    return copied


def _copy(path: Path) -> None:
    with (
        closing(sqlite3.connect(path)) as source,
        closing(sqlite3.connect(path.with_name(_COPY))) as copy,
    ):
        source.backup(copy)
