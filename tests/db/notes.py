"""Units of work over a small table of their own: what the database promises has nothing to do with chat."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from duihua.db.session import Database, Session
from duihua.db.sqlite import SqliteDatabase


def make_table(session: Session) -> None:
    session.execute(text("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)"))


def note(session: Session, number: int, body: str = "") -> int:
    session.execute(text("INSERT INTO notes (id, body) VALUES (:id, :body)"), {"id": number, "body": body})
    return number


def note_and_fail(session: Session, number: int) -> None:
    note(session, number)
    raise LookupError(number)


def numbers(session: Session) -> list[int]:
    return list(session.scalars(text("SELECT id FROM notes ORDER BY id")))


def pause(session: Session, seconds: float) -> None:
    """Keep a PostgreSQL transaction busy for so long."""
    session.execute(text(f"SELECT pg_sleep({seconds})"))


class HeldWriter:
    """SQLite's writer, held in the middle of a unit: what is submitted meanwhile waits in its queue."""

    def __init__(self, db: Database) -> None:
        assert isinstance(db, SqliteDatabase)
        self._db = db
        self._inside, self._go_on = threading.Event(), threading.Event()
        self.commits = 0
        event.listen(db._writer._engine, "commit", self._count)

    async def __aenter__(self) -> "HeldWriter":
        self._unit = asyncio.create_task(self._db.write(self._hold))
        await asyncio.to_thread(self._inside.wait, 5)
        return self

    async def __aexit__(self, *_: object) -> None:
        # One turn of the loop, so that everything that was begun has been submitted.
        await asyncio.sleep(0)
        self._go_on.set()
        await asyncio.gather(self._unit, return_exceptions=True)

    def _hold(self, _session: Session) -> None:
        self._inside.set()
        assert self._go_on.wait(10)

    def _count(self, _connection: object) -> None:
        self.commits += 1


@asynccontextmanager
async def postgres_peer(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Another session of the same PostgreSQL database."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def sqlite_path(url: str) -> str:
    return str(make_url(url).database)


# Not every promise is made by both.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
