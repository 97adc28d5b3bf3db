"""PostgreSQL through asyncpg: the same plain units of work, run in a greenlet that awaits for them."""

from collections.abc import Callable

import msgspec
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from duihua.db.errors import is_retryable, storage_error
from duihua.db.session import P, Session, T, UnderWay, Work, bind, run

POOL_WAIT_SECONDS = 5.0
# Longer than any statement of ours takes where the server is well.
STATEMENT_SECONDS = 60.0
ATTEMPTS = 3
_SESSION = {
    "timezone": "UTC",
    # A process that is frozen in the middle of a transaction must not hold its locks for ever.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "5s",
    # Nor one whose machine is gone.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


class PostgresDatabase:
    """One PostgreSQL database, as `duihua.db.session.Database`."""

    dialect = "postgresql"
    is_shared = True

    def __init__(self, url: URL, *, pool_size: int = 10) -> None:
        self.under_way = UnderWay()
        self._engine = _engine(url, pool_size)
        # However many requests wait for a connection, what readers are waiting to see has one.
        self._first = _engine(url, 1)

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.read`."""
        unit = bind(work, *args, **kwargs)
        return await self._transact(self._engine, _read_only(unit))

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write`."""
        return await self._transact(self._engine, bind(work, *args, **kwargs))

    async def write_first(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write_first`: transactions do not queue for each other, but for connections."""
        return await self._transact(self._first, bind(work, *args, **kwargs))

    async def close(self) -> None:
        """See `Database.close`."""
        await self._engine.dispose()
        await self._first.dispose()

    async def _transact(self, engine: AsyncEngine, unit: Callable[[Session], T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.under_way:
                    async with engine.begin() as connection:
                        return await connection.run_sync(run, unit)
            except (SQLAlchemyError, OSError) as error:
                if is_retryable(error) and attempt < ATTEMPTS:
                    continue
                named = storage_error(error)
                if named is None:
                    raise
                raise named from error
        raise AssertionError("unreachable: the last attempt returns or raises")


def _engine(url: URL, connections: int) -> AsyncEngine:
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "timeout": POOL_WAIT_SECONDS,
            "command_timeout": STATEMENT_SECONDS,
            "server_settings": _SESSION,
        },
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )


def _read_only(unit: Callable[[Session], T]) -> Callable[[Session], T]:
    def work(session: Session) -> T:
        # One snapshot for the whole unit, as on SQLite; and a write by mistake is refused.
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        return unit(session)

    return work
