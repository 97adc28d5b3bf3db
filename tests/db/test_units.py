"""What a unit of work may rely on, whichever database does it."""

import asyncio
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from duihua.db import sqlite
from duihua.db.session import Database, Session, open_database
from tests.db.notes import (
    HeldWriter,
    note,
    note_and_fail,
    numbers,
    on_sqlite,
    pause,
    postgres_peer,
    sqlite_path,
)


async def test_a_write_is_committed_when_it_returns(notes: Database, database_url: str) -> None:
    assert await notes.write(note, 1) == 1
    if notes.dialect == "sqlite":
        with closing(sqlite3.connect(sqlite_path(database_url))) as peer:
            assert peer.execute("SELECT id FROM notes").fetchall() == [(1,)]
        return
    async with postgres_peer(database_url) as peer:
        assert [row["id"] for row in await peer.fetch("SELECT id FROM notes")] == [1]


async def test_an_error_undoes_the_unit_and_is_raised_as_it_is(notes: Database) -> None:
    with pytest.raises(LookupError, match="1"):
        await notes.write(note_and_fail, 1)
    with pytest.raises(IntegrityError):
        await notes.write(lambda session: [note(session, 2), note(session, 2)])
    assert await notes.read(numbers) == []


async def test_failed_units_leave_the_others_alone(notes: Database) -> None:
    wanted = [notes.write(note if number % 3 else note_and_fail, number) for number in range(60)]
    answers = await asyncio.gather(*wanted, return_exceptions=True)
    assert [n for n, answer in enumerate(answers) if isinstance(answer, LookupError)] == list(range(0, 60, 3))
    assert await notes.read(numbers) == [number for number in range(60) if number % 3]


@on_sqlite
async def test_failed_units_leave_the_others_of_their_batch(
    notes: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BATCH_SECONDS", 10.0)
    async with HeldWriter(notes) as held:
        tasks = [asyncio.create_task(notes.write(note_and_fail if n == 2 else note, n)) for n in range(5)]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert held.commits == 1
    assert [type(answer) for answer in answers] == [int, int, LookupError, int, int]
    assert await notes.read(numbers) == [0, 1, 3, 4]


async def test_a_unit_sees_what_it_has_written_and_no_unit_sees_what_was_undone(notes: Database) -> None:
    def write_and_look(session: Session) -> list[int]:
        note(session, 7)
        return numbers(session)

    with pytest.raises(LookupError):
        await notes.write(note_and_fail, 6)
    assert await notes.write(write_and_look) == [7]


async def test_a_reader_sees_one_snapshot(notes: Database) -> None:
    await notes.write(note, 1)
    loop = asyncio.get_running_loop()
    has_looked, may_go_on = asyncio.Event(), threading.Event()

    def look_twice(session: Session) -> tuple[list[int], list[int]]:
        before = numbers(session)
        loop.call_soon_threadsafe(has_looked.set)
        if notes.dialect == "sqlite":
            assert may_go_on.wait(10)
        else:  # A unit of PostgreSQL runs in the loop: it is the server that must take its time.
            pause(session, 0.3)
        return before, numbers(session)

    reading = asyncio.create_task(notes.read(look_twice))
    await has_looked.wait()
    await notes.write(note, 2)
    assert not reading.done()
    may_go_on.set()
    assert await reading == ([1], [1])
    assert await notes.read(numbers) == [1, 2]


async def test_reading_cannot_write(notes: Database) -> None:
    with pytest.raises(Exception, match=r"."):
        await notes.read(note, 1)
    assert await notes.write(numbers) == []


@on_sqlite
async def test_writes_that_wait_are_committed_together(
    notes: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BATCH_SECONDS", 10.0)
    async with HeldWriter(notes) as held:
        tasks = [asyncio.create_task(notes.write(note, number)) for number in range(100)]
    await asyncio.gather(*tasks)
    assert held.commits == 1
    await notes.write(note, 100)
    assert held.commits == 2


@on_sqlite
async def test_a_batch_ends_in_time_for_the_journal(notes: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BATCH_SECONDS", 0.0)
    async with HeldWriter(notes) as held:
        tasks = [asyncio.create_task(notes.write(note, number)) for number in range(20)]
    await asyncio.gather(*tasks)
    assert held.commits == 21


@on_sqlite
async def test_write_first_goes_before_all_that_wait(notes: Database) -> None:
    order: list[str] = []
    async with HeldWriter(notes):
        tasks = [
            asyncio.create_task(write(lambda _session, name=name: order.append(name)))
            for write, name in (
                (notes.write, "a"),
                (notes.write, "b"),
                (notes.write_first, "first"),
                (notes.write_first, "second"),
            )
        ]
    await asyncio.gather(*tasks)
    assert order == ["first", "second", "a", "b"]


@pytest.mark.parametrize("way", ["write", "write_first"])
async def test_both_ways_to_write_commit(notes: Database, way: str) -> None:
    await getattr(notes, way)(note, 1)
    assert await notes.read(numbers) == [1]


async def test_fifty_writers_are_never_told_to_wait(notes: Database) -> None:
    async def writer(number: int) -> None:
        for step in range(4):
            await notes.write(note, number * 10 + step)

    await asyncio.gather(*(writer(number) for number in range(50)))
    assert len(await notes.read(numbers)) == 200


@on_sqlite
async def test_a_stranger_may_write_to_the_file_meanwhile(notes: Database, database_url: str) -> None:
    stop = threading.Event()

    def stranger() -> int:
        written = 0
        with closing(sqlite3.connect(sqlite_path(database_url), isolation_level=None, timeout=10)) as peer:
            while not stop.is_set() or not written:
                written += 1
                peer.execute("BEGIN IMMEDIATE")
                peer.execute("INSERT INTO notes VALUES (?, 'stranger')", (1_000_000 + written,))
                peer.execute("COMMIT")
                # As a backup or a person at the shell would: without a pause nobody else would get a turn.
                time.sleep(0.001)
        return written

    thread = asyncio.create_task(asyncio.to_thread(stranger))
    try:
        await asyncio.gather(*(notes.write(note, number) for number in range(50)))
        for number in range(50, 60):
            await notes.write(note, number)
    finally:
        stop.set()
        written = await thread
    assert len(await notes.read(numbers)) == 60 + written


async def test_a_caller_that_gives_up_harms_nobody(notes: Database) -> None:
    def slow(session: Session, number: int) -> int:
        if notes.dialect == "postgresql":
            pause(session, 0.2)
        return note(session, number)

    # More than there are connections: none of them may be lost.
    given_up = [asyncio.create_task(notes.write(slow, number)) for number in range(12)]
    kept = [asyncio.create_task(notes.write(note, 100 + number)) for number in range(3)]
    await asyncio.sleep(0.01)
    for task in given_up:
        task.cancel()
    assert await asyncio.gather(*kept) == [100, 101, 102]
    await asyncio.wait(given_up)
    more = await asyncio.gather(*(notes.write(note, 200 + number) for number in range(8)))
    assert set(await notes.read(numbers)) >= {100, 101, 102, *more}


@on_sqlite
async def test_closing_finishes_what_was_accepted(notes: Database, database_url: str) -> None:
    async with HeldWriter(notes):
        tasks = [asyncio.create_task(notes.write(note, number)) for number in range(20)]
        await asyncio.sleep(0)
        closing_task = asyncio.create_task(notes.close())
        await asyncio.sleep(0.05)
    await closing_task
    assert await asyncio.gather(*tasks) == list(range(20))
    with pytest.raises(RuntimeError, match="closed"):
        await notes.write(note, 99)
    with closing(sqlite3.connect(sqlite_path(database_url))) as peer:
        assert peer.execute("SELECT count(*) FROM notes").fetchone() == (20,)


def test_a_url_of_another_kind_is_refused() -> None:
    for url in ("mysql://localhost/duihua", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="DATABASE_URL"):
            open_database(url)


async def test_text_keeps_every_character(notes: Database) -> None:
    body = "".join(map(chr, [*range(1, 0x3000), *range(0xFFF0, 0x10010)])) + "👩‍👩‍👧\U0010ffff"
    await notes.write(note, 1, body)
    assert await notes.read(lambda session: session.scalar(text("SELECT body FROM notes"))) == body
