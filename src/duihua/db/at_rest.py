"""A database at rest: one transaction over all of it, and whatever refuses that in one sentence."""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

T = TypeVar("T")
# Another process may be upgrading a large database.
WAIT_SECONDS = 600


class MigrationError(RuntimeError):
    """The database could not be brought to this schema; nothing in it was changed."""


def transact(target: URL, work: Callable[[Connection], T], *, writing: bool = False) -> T:
    """Run `work` in one transaction, on SQLite with its write lock from the beginning."""
    if (path := file_of(target)) is None:
        return asyncio.run(_transact_postgres(target, work))
    if writing:
        return _transact_file(path, work, "rw", "BEGIN IMMEDIATE")
    try:
        return _transact_file(path, work, "ro", "BEGIN")
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        # A process was killed in the middle of a transaction: whoever may write undoes what it left.
        return _transact_file(path, work, "rw", "BEGIN")


def _transact_file(path: Path, work: Callable[[Connection], T], mode: str, begin: str) -> T:
    engine = create_engine("sqlite://", creator=partial(open_file, path, mode), poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    with engine.begin() as connection:
        return work(connection)


async def _transact_postgres(target: URL, work: Callable[[Connection], T]) -> T:
    from sqlalchemy.ext.asyncio import create_async_engine

    # Statements are prepared anew each time: the tables under them change.
    options = {"timeout": 10, "statement_cache_size": 0, "prepared_statement_cache_size": 0}
    engine = create_async_engine(target, poolclass=NullPool, connect_args=options)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def open_file(path: Path, mode: str) -> sqlite3.Connection:
    # Without an isolation level the driver begins nothing by itself, so that DDL too is in the transaction.
    # Foreign keys are off, as SQLite has them: a table that is rebuilt is referred to while it is away.
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None)


def parse(url: str) -> URL:
    try:
        target = make_url(url)
    except ArgumentError as error:
        raise ValueError(f"DATABASE_URL is no URL: {error}") from None
    kind = target.get_backend_name()
    if kind == "sqlite" and target.database not in {None, "", ":memory:"}:
        return target
    if kind in {"postgresql", "postgres"}:
        return target.set(drivername="postgresql+asyncpg")
    raise ValueError(f"DATABASE_URL must be sqlite:///path or postgresql://…, not {kind}://…")


def file_of(target: URL) -> Path | None:
    return Path(str(target.database)) if target.get_backend_name() == "sqlite" else None


@contextmanager
def named(target: URL) -> Iterator[None]:
    """What a driver or the system refuses, as one sentence with the database's name."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = getattr(error, "orig", None) or error
        words = re.sub(r"^<class '[^']*'>: ", "", str(cause))
        if detail := getattr(cause.__cause__, "detail", None):
            words += f" ({detail})"
        if any(sign in words.lower() for sign in ("is full", "disk full", "no space left")):
            words = f"there is no room left to write ({words})"
        place = target.render_as_string(hide_password=True)
        raise MigrationError(f"{place}: {words}. Nothing was changed.") from error
