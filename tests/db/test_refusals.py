"""What a database may refuse, how it is called then, and that it works again afterwards."""

import asyncio
import os
import resource
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Integer, String, bindparam, column, insert, table, text

from duihua.core.clock import now
from duihua.db import postgres, sqlite
from duihua.db.at_once import AtOnce, Insertion
from duihua.db.errors import StorageFull, StorageInDoubt, StorageUnavailable
from duihua.db.session import Database, Session, alive, open_database
from duihua.models import User
from tests.db.notes import (
    HeldWriter,
    make_table,
    note,
    numbers,
    on_postgres,
    on_sqlite,
    pause,
    postgres_peer,
    sqlite_path,
)
from tests.fixtures.database import postgres as on_server

A_LOT = "x" * 200_000
KILL_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
END_THIS = "SELECT pg_terminate_backend(pg_backend_pid())"
END_AT_COMMIT = (
    f"""CREATE FUNCTION end_this() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM {END_THIS.removeprefix("SELECT ")}; RETURN NULL; END'""",
    """CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON notes
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_this()""",
)
NOTES = table("notes", column("id", Integer), column("body", String))
ADD_NOTE = insert(NOTES).values(id=bindparam("number"), body="")


def note_by_orm(session: Session, number: int, body: str) -> None:
    """Through a flush: the ORM undoes a failed one by itself, which must not hide what happened."""
    session.add(User(id=number, uuid=str(number), name=body, created_at=now()))
    session.flush()


def leave_no_room(session: Session) -> None:
    pages = session.scalar(text("PRAGMA page_count"))
    session.execute(text(f"PRAGMA max_page_count = {pages + 4}")).all()


def remount(disk: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", disk], check=True)


def make_room(session: Session) -> None:
    session.execute(text("PRAGMA max_page_count = 1000000")).all()


@on_sqlite
@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("write_much", [note, note_by_orm])
async def test_a_batch_that_does_not_fit_is_told_to_everybody_in_it(
    notes: Database, monkeypatch: pytest.MonkeyPatch, place: int, write_much: object
) -> None:
    """SQLite gives up the whole transaction then: a unit that had gone well before is undone as well."""
    monkeypatch.setattr(sqlite, "BATCH_SECONDS", 10.0)
    await notes.write(leave_no_room)
    async with HeldWriter(notes):
        tasks = [
            asyncio.create_task(
                notes.write(write_much, 1000, A_LOT) if n == place else notes.write(note, n)  # type: ignore[arg-type]  # one of two units
            )
            for n in range(5)
        ]
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[place], StorageFull)
    stored = await notes.read(numbers)
    assert stored == [n for n, answer in enumerate(answers) if n == answer and n != place]
    assert all(isinstance(answer, int | StorageFull) for answer in answers)
    # Nothing stays behind of it: with room again, and without, what fits is written.
    assert await notes.write(note, 50) == 50
    await notes.write(make_room)
    assert await notes.write(note, 51, A_LOT) == 51


async def test_a_full_disk_is_507_and_reading_goes_on(small_disk: Path) -> None:
    db = open_database(f"sqlite:///{small_disk / 'duihua.db'}", synchronous="full")
    try:
        await db.write(make_table)
        written = 0
        with pytest.raises(StorageFull) as refusal:
            for written in range(100):
                await db.write(note, written, A_LOT)
        assert refusal.value.status == 507
        assert refusal.value.retry_after
        assert await db.read(numbers) == list(range(written))
        remount(small_disk, "size=8m")
        await db.write(note, written, A_LOT)
        assert await db.read(numbers) == list(range(written + 1))
        assert await db.read(lambda session: session.scalar(text("PRAGMA integrity_check"))) == "ok"
    finally:
        await db.close()


@on_sqlite
async def test_a_read_only_disk_is_unavailable_and_reading_goes_on(
    notes: Database, database_url: str, read_only: Callable[[Path], Path]
) -> None:
    await notes.write(note, 1)
    path = Path(sqlite_path(database_url))
    db = open_database(f"sqlite:///{read_only(path.parent) / path.name}", synchronous="full")
    try:
        with pytest.raises(StorageUnavailable):
            await db.write(note, 2)
        assert await db.read(numbers) == [1]
    finally:
        await db.close()


@on_sqlite
async def test_a_file_that_may_not_grow_is_unavailable(notes: Database, database_url: str) -> None:
    """Any other I/O error: what the kernel answers here is EFBIG."""
    await notes.write(note, 1)
    log = await asyncio.to_thread(os.path.getsize, sqlite_path(database_url) + "-wal")
    with _largest_file(log + 50_000), pytest.raises(StorageUnavailable):
        for number in range(2, 100):
            await notes.write(note, number, A_LOT)
    stored = await notes.read(numbers)
    await notes.write(note, 1000, A_LOT)
    assert await notes.read(numbers) == [*stored, 1000]


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@on_sqlite
async def test_a_file_locked_for_too_long_is_unavailable(notes: Database, database_url: str) -> None:
    await notes.write(lambda session: session.execute(text("PRAGMA busy_timeout = 50")).all())
    with closing(sqlite3.connect(sqlite_path(database_url), isolation_level=None)) as peer:
        peer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageUnavailable):
            await notes.write(note, 1)
        assert await notes.read(numbers) == []
        peer.execute("ROLLBACK")
    await notes.write(note, 1)


@pytest.fixture
async def one_connection(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(postgres, "POOL_WAIT_SECONDS", 0.2)
    db = open_database(database_url, pool_size=1)
    await db.write(make_table)
    yield db
    await db.close()


@on_postgres
async def test_an_exhausted_pool_is_503_with_a_time_to_wait(one_connection: Database) -> None:
    busy = asyncio.create_task(one_connection.write(pause, 0.6))
    await asyncio.sleep(0.05)
    with pytest.raises(StorageUnavailable) as refusal:
        await one_connection.read(alive)
    assert refusal.value.status == 503
    assert refusal.value.retry_after
    await busy
    assert await one_connection.read(alive)


@on_postgres
async def test_a_killed_connection_costs_nobody_anything(notes: Database, database_url: str) -> None:
    async with postgres_peer(database_url) as peer:
        await asyncio.gather(*(notes.read(alive) for _ in range(5)))
        await peer.execute(KILL_OTHERS)
        assert await asyncio.gather(*(notes.write(note, n) for n in range(5))) == list(range(5))
        busy = asyncio.create_task(notes.write(lambda session: [note(session, 10), pause(session, 0.5)]))
        await _wait_for_query(peer, "pg_sleep")
        await peer.execute(KILL_OTHERS)
        await busy
    assert await notes.write(note, 11) == 11
    assert await notes.read(numbers) == [0, 1, 2, 3, 4, 10, 11]


async def _wait_for_query(peer: asyncpg.Connection, part: str) -> None:
    running = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE $1"""
    async with asyncio.timeout(5):
        # The server tells nobody when a query begins.
        while not await peer.fetchval(running, f"%{part}%"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@on_postgres
async def test_only_what_was_to_be_committed_is_in_doubt(notes: Database) -> None:
    def and_end(session: Session, number: int) -> None:
        note(session, number)
        session.execute(text(END_THIS)).all()

    with pytest.raises(StorageUnavailable) as before:
        await notes.write(and_end, 1)
    assert type(before.value) is StorageUnavailable
    # What is deferred happens while the server commits.
    await notes.write(lambda session: [session.execute(text(each)) for each in END_AT_COMMIT])
    with pytest.raises(StorageInDoubt):
        await notes.write(note, 2)
    assert await notes.read(numbers) == []


@on_postgres
async def test_a_server_that_takes_no_connections_is_unavailable_until_it_does(
    notes: Database, database_url: str
) -> None:
    """As while it starts, stops, or has too many: it answers, but with a refusal to connect."""
    name = database_url.rpartition("/")[2]
    await on_server(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        await on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        for attempt in (lambda: notes.read(alive), lambda: notes.write(note, 1)):
            with pytest.raises(StorageUnavailable):
                await attempt()
    finally:
        await on_server(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await notes.write(note, 3)
    assert await notes.read(numbers) == [3]


@on_postgres
async def test_a_database_that_only_reads_is_unavailable_for_writing(
    notes: Database, database_url: str
) -> None:
    """As after a fail-over to a standby that was not promoted."""
    name = database_url.rpartition("/")[2]
    await on_server(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    standby = open_database(database_url)
    try:
        with pytest.raises(StorageUnavailable):
            await standby.write(note, 1)
        assert await standby.read(numbers) == []
    finally:
        await standby.close()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    db = open_database("postgresql://postgres@127.0.0.1:9/postgres")
    try:
        with pytest.raises(StorageUnavailable):
            await db.read(alive)
    finally:
        await db.close()


@on_postgres
async def test_a_deadlock_is_none_for_its_callers(notes: Database) -> None:
    await notes.write(lambda session: [note(session, 1), note(session, 2)])

    def touch(session: Session, first: int, second: int) -> None:
        statement = text("UPDATE notes SET body = body || 'x' WHERE id = :id")
        session.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
        session.execute(statement, {"id": first})
        pause(session, 0.2)
        session.execute(statement, {"id": second})

    await asyncio.gather(notes.write(touch, 1, 2), notes.write(touch, 2, 1))
    bodies = await notes.read(lambda session: list(session.scalars(text("SELECT body FROM notes"))))
    assert bodies == ["xx", "xx"]


@on_postgres
async def test_what_a_person_wrote_does_not_decide_what_an_error_is(notes: Database) -> None:
    """The server's text repeats values: a constraint broken by the words `disk full` is no full disk."""
    await notes.write(lambda session: session.execute(text("CREATE UNIQUE INDEX once ON notes (body)")))
    await notes.write(note, 1, "no space left: the disk is full")
    with pytest.raises(Exception, match="duplicate key") as refusal:
        await notes.write(note, 2, "no space left: the disk is full")
    assert not isinstance(refusal.value, StorageFull)


class Taken(Exception):
    """The number is there already."""


def noted(_: str, *added: int) -> Insertion:
    return Insertion(ADD_NOTE, [{"number": number} for number in added], len(added), Taken)


add = AtOnce(noted)


@on_sqlite
async def test_an_insertion_is_added_whole_or_not_at_all(notes: Database) -> None:
    await notes.write_first(add, 1, 2)
    with pytest.raises(Taken):
        await notes.write_first(add, 3, 2, 4)
    # In one batch with others, whose work stands.
    mixed = await asyncio.gather(
        notes.write_first(add, 5, 6),
        notes.write_first(add, 7, 1),
        notes.write(note, 8),
        notes.write_first(add, 9, 9),
        return_exceptions=True,
    )
    assert [type(error) for error in mixed if isinstance(error, Exception)] == [Taken, Taken]
    assert await notes.read(numbers) == [1, 2, 5, 6, 8]


@on_postgres
async def test_what_is_said_many_times_a_second_is_refused_by_the_same_names(
    notes: Database, database_url: str
) -> None:
    await notes.write_first(add, 1)
    with pytest.raises(Taken):
        await notes.write_first(add, 1)
    await notes.write_first(add, 2)
    async with postgres_peer(database_url) as peer:
        await peer.execute(KILL_OTHERS)
        # Whether it was added is in doubt: whoever asked has to look.
        with pytest.raises(StorageUnavailable):
            await notes.write_first(add, 4)
        await notes.write_first(add, 5)
        await peer.execute(KILL_OTHERS)
        with pytest.raises(StorageUnavailable):
            await notes.write_first(note, 6)
        await notes.write_first(note, 7)
    assert await notes.read(numbers) == [1, 2, 5, 7]
