"""SQLite with one writer by design: a thread that commits all waiting units of work together.

Group commit makes one fsync serve many requests, and one writing connection means that nobody ever
meets `database is locked`. Readers have connections of their own and never wait for the writer (WAL).
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import Connection, Engine, NestedTransaction, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from duihua.core.text import fold
from duihua.db.at_once import AtOnce, add
from duihua.db.errors import storage_error
from duihua.db.session import LONG_READS, P, Session, T, UnderWay, Work, bind, run

READERS = 3
# A batch is committed after this many seconds of work, so that a burst of writes never delays the journal.
BATCH_SECONDS = 0.01


class _Unit(NamedTuple):
    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class _Outcome(NamedTuple):
    unit: _Unit
    result: Any
    error: BaseException | None


class SqliteDatabase:
    """One SQLite file, as `duihua.db.session.Database`."""

    dialect = "sqlite"
    # One server to a file: `db.lock`.
    is_shared = False

    def __init__(self, path: str, *, synchronous: str = "full") -> None:
        self._writer = _Writer(_engine(path, synchronous, "IMMEDIATE", connections=1))
        self._reading = _engine(path, synchronous, "DEFERRED", connections=READERS)
        self.under_way = UnderWay()
        self.long_reads = asyncio.Semaphore(LONG_READS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="duihua-read")

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.read`."""
        unit = bind(work, *args, **kwargs)
        with self.under_way:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, unit)

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write`."""
        with self.under_way:
            return await self._writer.submit(partial(run, unit=bind(work, *args, **kwargs)), first=False)

    async def write_first(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write_first`."""
        with self.under_way:
            if isinstance(work, AtOnce):
                unit = partial(add, insertion=work.insertion(self.dialect, *args, **kwargs))
                return cast(T, await self._writer.submit(unit, first=True))
            return await self._writer.submit(partial(run, unit=bind(work, *args, **kwargs)), first=True)

    async def close(self) -> None:
        """See `Database.close`."""
        await asyncio.to_thread(self._writer.stop)
        self._readers.shutdown()
        self._reading.dispose()

    def _read(self, work: Callable[[Session], T]) -> T:
        try:
            with self._reading.connect() as connection:
                return run(connection, work)
        except SQLAlchemyError as error:
            raise _named(error) from error


class _Writer(threading.Thread):
    """The one thread that writes. `first` units go before all others that wait."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(name="duihua-write", daemon=True)
        self._engine = engine
        self._first: deque[_Unit] = deque()
        self._waiting: deque[_Unit] = deque()
        # One for each unit, and one for the end: a queue in C wakes a thread in half the time of a condition.
        self._turns: SimpleQueue[None] = SimpleQueue()
        self._lock = threading.Lock()
        self._stopping = False
        self.start()

    async def submit(self, work: Callable[[Connection], T], *, first: bool) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if self._stopping:
                raise RuntimeError("the database is closed")
            (self._first if first else self._waiting).append(_Unit(work, loop, future))
            self._turns.put(None)
        return await future

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._turns.put(None)
        self.join()
        self._engine.dispose()

    def run(self) -> None:
        unit = self._next(block=True)
        while unit is not None:
            outcomes = [_Outcome(unit, None, None)]
            try:
                # Kept until something breaks: taking it for each batch costs as much as an insertion.
                with self._engine.connect() as connection:
                    while unit is not None:
                        outcomes = []
                        self._run_batch(connection, unit, outcomes)
                        connection.commit()
                        _deliver(outcomes)
                        unit = self._next(block=True)
            except Exception as error:  # noqa: BLE001 - a boundary: it is raised again where the work was asked for
                # Of the whole batch nothing is stored, and everybody must hear it.
                _deliver([_Outcome(o.unit, None, o.error or error) for o in outcomes])
                unit = self._next(block=True)

    def _run_batch(self, connection: Connection, unit: _Unit | None, outcomes: list[_Outcome]) -> None:
        deadline = time.monotonic() + BATCH_SECONDS
        while unit is not None:
            # Entered first: a unit that breaks the batch must hear of it too.
            outcomes.append(_Outcome(unit, None, None))
            outcomes[-1] = _run_unit(connection, unit)
            unit = self._next(block=False) if time.monotonic() < deadline else None

    def _next(self, *, block: bool) -> _Unit | None:
        try:
            self._turns.get(block=block)
        except Empty:
            return None
        if queue := self._first or self._waiting:
            return queue.popleft()
        self._turns.put(None)  # The end, for whoever asks next.
        return None


def _run_unit(connection: Connection, unit: _Unit) -> _Outcome:
    # What begins a transaction needs no savepoint, which costs as much as a statement: undoing it undoes all.
    scope = connection.begin_nested() if connection.in_transaction() else connection.begin()
    try:
        result = unit.work(connection)
        if isinstance(scope, NestedTransaction):
            scope.commit()
    except BaseException as error:
        if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]  # it is connected
            # SQLite gave up the whole transaction (no room, an I/O error): the units before this one as well.
            raise
        if scope.is_active:
            scope.rollback()
        return _Outcome(unit, None, error)
    return _Outcome(unit, result, None)


def _deliver(outcomes: list[_Outcome]) -> None:
    loop = outcomes[0].unit.loop
    try:
        loop.call_soon_threadsafe(_resolve, outcomes)
    except RuntimeError:  # The loop is closed: nobody is left to hear.
        return


def _resolve(outcomes: list[_Outcome]) -> None:
    for (_, _, future), result, error in outcomes:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(_named(error))


def _named(error: BaseException) -> BaseException:
    named = storage_error(error) if isinstance(error, Exception) else None
    if named is None:
        return error
    named.__cause__ = error
    return named


def _engine(path: str, synchronous: str, begin: str, *, connections: int) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=connections,
        max_overflow=0,
        # Errors are logged, and what people wrote is not for a log.
        hide_parameters=True,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # Transactions are begun below: the driver's own begin is too late for reads and not immediate.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -16384")
        if begin == "DEFERRED":
            connection.execute("PRAGMA query_only = ON")
        connection.create_function("fold", 1, fold, deterministic=True)

    def begin_transaction(connection: Any) -> None:
        connection.execute(f"BEGIN {begin}")

    # Not by a listener to "begin": an engine that has any pays a sixth more for each statement.
    engine.dialect.do_begin = begin_transaction  # type: ignore[method-assign,assignment]  # it is called as a function
    return engine
