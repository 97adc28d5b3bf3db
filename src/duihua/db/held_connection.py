"""A connection to PostgreSQL that is kept between statements: for what is said many times a second.

Taking one from the pool and a session around it cost several times what an insertion itself does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from duihua.core.errors import AppError
from duihua.db.at_once import Insertion
from duihua.db.errors import StorageUnavailable, storage_error
from duihua.db.session import Session, T, run
from duihua.db.telling import prepared


class _Taken(NamedTuple):
    connection: AsyncConnection
    # The same connection, as the driver knows it.
    driver: Any


class HeldConnection:
    """The one connection of an engine that commits each statement by itself; who wants it waits for its turn.

    Its methods raise StorageFull and StorageUnavailable; whether anything was done may then be in doubt.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()
        self._held: _Taken | None = None

    async def run(self, unit: Callable[[Session], T]) -> T:
        """Run a bound unit of work."""
        async with self._taken() as taken, taken.connection.begin():
            return await taken.connection.run_sync(run, unit)

    async def add(self, insertion: Insertion) -> None:
        """Insert, past SQLAlchemy; once. Raises `insertion.otherwise`: nothing was added."""
        (row,) = insertion.values
        told = prepared(insertion.statement, self._engine.dialect, tuple(row))
        try:
            async with self._taken() as taken:
                done = await taken.driver.execute(told.sql, *told.values(row))
        except asyncpg.IntegrityConstraintViolationError as error:
            raise insertion.otherwise from error
        if done != f"INSERT 0 {insertion.rows}":
            raise insertion.otherwise

    async def close(self) -> None:
        """Close it."""
        async with self._turn:
            await self._drop()
        await self._engine.dispose()

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[_Taken]:
        async with self._turn:
            try:
                self._held = self._held or await self._connect()
                yield self._held
            except BaseException as error:
                # Whatever it was: what comes next has a connection of which nothing is in doubt.
                await asyncio.shield(self._drop())
                named = refusal(error) if isinstance(error, Exception) else None
                if named is not None:
                    raise named from error
                raise

    async def _connect(self) -> _Taken:
        connection = await self._engine.connect()
        return _Taken(connection, (await connection.get_raw_connection()).driver_connection)

    async def _drop(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await held.connection.invalidate()
            await held.connection.close()


def is_lost(error: BaseException) -> bool:
    """Whether these are the driver's own words for a connection that is gone, or is about to be."""
    # Told that the server ends the session, it takes no more before it is closed: an "internal" error.
    if isinstance(error, asyncpg.InternalClientError):
        return True
    # About values that it cannot send it says a ValueError.
    return isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError)


def refusal(error: Exception) -> AppError | None:
    """As `storage_error`, also of what the driver says past SQLAlchemy."""
    return StorageUnavailable(retry_after=2) if is_lost(error) else storage_error(error)
