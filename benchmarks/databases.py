"""The database of a benchmark: a file in the server's data folder, or a database made for the occasion."""

import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import asyncpg

from benchmarks.processes import Setting


@asynccontextmanager
async def temporary_database(where: str) -> AsyncIterator[Setting]:
    """The setting of a server with a new database: `sqlite`, or one beside that of a PostgreSQL URL."""
    if where == "sqlite":
        yield Setting()
        return
    name = f"duihua_bench_{uuid.uuid4().hex[:12]}"
    await execute(where, f"CREATE DATABASE {name}")
    try:
        yield Setting({"DATABASE_URL": f"{where.rpartition('/')[0]}/{name}"})
    finally:
        await execute(where, f"DROP DATABASE {name} WITH (FORCE)")


def integrity(path: Path) -> str:
    """What SQLite says of a file when it looks at every page: `ok`, also where there is no such file."""
    if not path.exists():
        return "ok"
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


async def execute(url: str, *statements: str) -> None:
    """Each by itself, not in one transaction."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
