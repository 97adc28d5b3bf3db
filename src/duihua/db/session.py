"""Units of work: the only way to the database.

A unit of work is a plain function whose first argument is a session. `Database.write` runs it in one
transaction, committed before the call returns; `Database.read` runs it against one snapshot. No unit
can wait for a network while it holds a transaction, because it cannot await.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, orm, select
from sqlalchemy.engine import make_url


class Session(orm.Session):
    """SQLAlchemy's, on the one connection of a unit of work."""

    def connection(self, *_: Any, **__: Any) -> Connection:
        """That connection, as it is: what the original looks up each time costs a tenth of a statement."""
        assert isinstance(self.bind, Connection)
        return self.bind


P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[Session, P], T]
_LAST = "last"
LONG_READS = 2


def bind(work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[Session], T]:
    """The unit with all but its session filled in."""
    return lambda session: work(session, *args, **kwargs)


def run(connection: Connection, unit: Callable[[Session], T]) -> T:
    """Run a bound unit inside the transaction of `connection`, which its caller commits or undoes."""
    with Session(connection, join_transaction_mode="rollback_only") as session:
        result = unit(session)
        session.flush()
        for last in session.info.pop(_LAST, {}).values():
            last(session)
        return result


def at_the_end(session: Session, key: str, work: Callable[[Session], None]) -> None:
    """Run `work` as the last thing of this unit, once for each key: what it locks is held the shortest."""
    session.info.setdefault(_LAST, {}).setdefault(key, work)


class UnderWay:
    """How many units are being run or wait for their turn: `with` counts one."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1


class Database(Protocol):
    """One database, whichever it is."""

    dialect: str
    # Whether other processes may have it open, too.
    is_shared: bool

    under_way: "UnderWay"
    # Taken for reads that take long: however many there are, others find a connection, and the loop free.
    long_reads: asyncio.Semaphore

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(session, …)` against one snapshot. Raises StorageUnavailable."""
        ...

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(session, …)` in one transaction and commit it.

        An error from `work` undoes all of it and is raised here. `work` may run again where the database
        undid it, for another transaction or with its connection: it must touch nothing but its session.

        Raises:
            StorageFull, StorageUnavailable: nothing was changed. StorageInDoubt: perhaps all of it was.
        """
        ...

    async def write_first(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `write`, ahead of every write that still waits: for what readers are waiting to see.

        `work` changes the database by one statement at most, which need not be undone with what it read.
        Where it is an `AtOnce`, PostgreSQL is told only that.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted, then close every connection."""
        ...


def shown_url(url: str) -> str:
    """The URL as it may be logged: without its password."""
    return make_url(url).render_as_string(hide_password=True)


def open_database(url: str, *, synchronous: str = "full", pool_size: int = 10) -> Database:
    """The database at `url`: `sqlite:///path` or `postgresql://…`, with or without a driver's name.

    `synchronous` (full|normal) is SQLite's; `pool_size` is the most connections to PostgreSQL.

    Raises:
        ValueError: for any other kind of URL.
    """
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database not in (None, "", ":memory:"):
        from duihua.db.sqlite import SqliteDatabase

        return SqliteDatabase(str(parsed.database), synchronous=synchronous)
    if kind in {"postgresql", "postgres"}:
        from duihua.db.postgres import PostgresDatabase

        return PostgresDatabase(parsed, pool_size=pool_size)
    raise ValueError(f"DATABASE_URL must be sqlite:///path or postgresql://…, not {kind}://…")


def alive(session: Session) -> bool:
    """A unit of work that only asks whether the database answers."""
    return session.scalar(select(1)) == 1
