"""Databases to migrate, of both kinds, behind one small interface that knows no models but on request."""

import asyncio
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import select

from duihua.db.session import open_database
from tests.fixtures.database import POSTGRES, postgres

DIALECTS = ("sqlite", "postgresql")
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
    # FTS5's own, which keep no rows to be read.
    "AND name NOT LIKE '%\\_terms%' ESCAPE '\\'",
    "postgresql": "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
}


class Place:
    """One database by its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dialect = url.partition(":")[0]
        self.path = Path(url.removeprefix("sqlite:///"))

    def run(self, *statements: str) -> None:
        """Execute and commit."""
        script = ";\n".join(statements) + ";"
        if self.dialect == "postgresql":
            asyncio.run(_execute(self.url, script))
            return
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(f"BEGIN; {script} COMMIT;")

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a query finds, as the driver gives it."""
        if self.dialect == "postgresql":
            return asyncio.run(_fetch(self.url, query))
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def column(self, query: str) -> list[Any]:
        """The first value of each row."""
        return [next(iter(row.values())) for row in self.rows(query)]

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows whose values are texts, numbers, None, or SQL in a `Raw`."""
        self.run(*(_insertion(table, row) for row in rows))

    def content(self) -> dict[str, list[str]]:
        """Every row of every table, to be compared with itself later."""
        tables = sorted(self.column(_TABLES[self.dialect]))
        return {table: sorted(map(repr, self.rows(f'SELECT * FROM "{table}"'))) for table in tables}

    def models(self, model: type[Any]) -> list[dict[str, Any]]:
        """Every row by id, as the program reads it."""
        return asyncio.run(_read(self.url, model))


class Raw(str):
    """SQL that is written as it is."""


def _insertion(table: str, row: Mapping[str, Any]) -> str:
    names = ", ".join(f'"{name}"' for name in row)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join(map(_literal, row.values()))})"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Raw | int):
        return str(value)
    escaped = str(value).replace("'", "''")
    return f"'{escaped}'"


async def _execute(url: str, script: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def _fetch(url: str, query: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def _read(url: str, model: type[Any]) -> list[dict[str, Any]]:
    database = open_database(url)
    table = model.__table__
    try:
        return await database.read(
            lambda session: [dict(row) for row in session.execute(select(table).order_by("id")).mappings()]
        )
    finally:
        await database.close()


@contextmanager
def new_place(dialect: str, folder: Path, server: str = POSTGRES) -> Iterator[Place]:
    """A database that is not there yet (SQLite) or empty (PostgreSQL's `server`), gone afterwards."""
    if dialect == "sqlite":
        yield Place(f"sqlite:///{folder / 'duihua.db'}")
        return
    with made(server, f"duihua_test_{uuid.uuid4().hex[:12]}") as place:
        yield place


@contextmanager
def made(server: str, name: str, template: str = "template1") -> Iterator[Place]:
    """A database of PostgreSQL's `server`, equal to `template`, gone afterwards."""
    asyncio.run(postgres(f"CREATE DATABASE {name} TEMPLATE {template}", server))
    try:
        yield Place(f"{server.rpartition('/')[0]}/{name}")
    finally:
        asyncio.run(postgres(f"DROP DATABASE {name} WITH (FORCE)", server))
