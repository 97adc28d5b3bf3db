"""PostgreSQL through asyncpg: the same plain units of work, run in a greenlet that awaits for them."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import asyncpg
import msgspec
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from duihua.db.at_once import AtOnce
from duihua.db.errors import StorageInDoubt, StorageUnavailable, is_retryable
from duihua.db.held_connection import HeldConnection, is_lost, refusal
from duihua.db.session import LONG_READS, P, Session, T, UnderWay, Work, bind, run

POOL_WAIT_SECONDS = 5.0
# Longer than any statement of ours takes where the server is well.
STATEMENT_SECONDS = 60.0
# A connection may be gone without a word: a firewall forgot it, a server lost its power. On what says so no
# lease (10 s) may run out; to close it politely takes two more seconds.
FIRST_SECONDS, PING_SECONDS = 3.0, 2.0
ATTEMPTS = 3
# A connection that nobody has used for so long is tried before it is used.
TRUSTED_SECONDS = 1.0
_UNANSWERED = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
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
        self.long_reads = asyncio.Semaphore(LONG_READS)
        self._engine = _engine(url, pool_size)
        _try_idle_ones(self._engine)
        # One snapshot for the whole unit, as on SQLite; and a write by mistake is refused.
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # However many requests wait for a connection, what readers are waiting to see has one. It commits
        # each statement by itself, and is not tried first: who uses it insists anyway.
        first = _engine(url, 1, statement_seconds=FIRST_SECONDS, isolation_level="AUTOCOMMIT")
        self._first = HeldConnection(first)

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.read`."""
        return await self._transact(self._reading, bind(work, *args, **kwargs))

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write`."""
        return await self._transact(self._engine, bind(work, *args, **kwargs))

    async def write_first(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write_first`: transactions do not queue for each other, but for connections."""
        with self.under_way:
            if isinstance(work, AtOnce):
                return cast(T, await self._first.add(work.insertion(self.dialect, *args, **kwargs)))
            return await self._first.run(bind(work, *args, **kwargs))

    async def close(self) -> None:
        """See `Database.close`."""
        await self._engine.dispose()
        await self._first.close()

    async def _transact(self, engine: AsyncEngine, unit: Callable[[Session], T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            # With its connection a transaction is undone, unless COMMIT was already on its way.
            is_undone_with_its_connection = True
            try:
                with self.under_way:
                    async with engine.connect() as connection, connection.begin():
                        result = await connection.run_sync(run, unit)
                        # Of what only read nothing is to be undone.
                        is_undone_with_its_connection = engine is self._reading
            except (SQLAlchemyError, OSError, asyncpg.InternalClientError) as error:
                lost = is_lost(error) or (isinstance(error, DBAPIError) and error.connection_invalidated)
                may_run_again = is_retryable(error) or (lost and is_undone_with_its_connection)
                if may_run_again and attempt < ATTEMPTS:
                    continue
                named = refusal(error)
                if named is None:
                    raise
                is_undone = is_undone_with_its_connection or is_retryable(error)
                if isinstance(named, StorageUnavailable) and not is_undone:
                    named = StorageInDoubt(retry_after=2)
                raise named from error
            else:
                return result
        raise AssertionError("unreachable: the last attempt returns or raises")


def _engine(
    url: URL, connections: int, *, statement_seconds: float = STATEMENT_SECONDS, **options: Any
) -> AsyncEngine:
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        # As on SQLite: what people wrote is not for a log.
        hide_parameters=True,
        connect_args={
            "timeout": POOL_WAIT_SECONDS,
            "command_timeout": statement_seconds,
            "server_settings": _SESSION,
        },
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        **options,
    )


def _try_idle_ones(engine: AsyncEngine) -> None:
    """Ask what has been idle for an answer, which a busy server need not pay for each unit.

    A connection that was used just now and is lost is found out by its use; the unit runs again then.
    """
    pool = engine.sync_engine.pool

    def used(_: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    def tried(connection: Any, record: Any, _: Any) -> None:
        if time.monotonic() - record.info["used_at"] > TRUSTED_SECONDS:
            try:
                await_only(connection.driver_connection.execute("SELECT", timeout=PING_SECONDS))
            except _UNANSWERED as error:
                raise DisconnectionError from error

    event.listen(pool, "connect", used)
    event.listen(pool, "checkin", used)
    event.listen(pool, "checkout", tried)
