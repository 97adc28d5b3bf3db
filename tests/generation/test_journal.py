"""The journal by itself: what is merged, what waits, what is kept while the database takes nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from duihua.db.errors import StorageFull, StorageUnavailable
from duihua.generation import journal as journals
from duihua.generation import journal_repository
from duihua.generation.ending import LostGeneration
from duihua.generation.journal import Journal, RunLog
from duihua.realtime.bus import Committed, LocalBus
from duihua.schemas import stream

OWNER = "this process"
Row = tuple[int, int, bytes]


class Store:
    """The journal's database: keeps the rows of each commit. A held one commits only what is let through."""

    dialect = "none"

    def __init__(self) -> None:
        self.commits: list[list[Row]] = []
        self.works: list[Any] = []
        self.asked = asyncio.Event()
        self._turns: asyncio.Semaphore | None = None
        self.refuse: list[Exception] = []
        self.gone: set[int] = set()

    async def write_first(self, work: Any, owner: str, rows: list[Row]) -> None:
        assert owner == OWNER
        self.works.append(work)
        self.asked.set()
        if self._turns is not None:
            await self._turns.acquire()
        if self.refuse:
            raise self.refuse.pop(0)
        if self.gone & {generation_id for generation_id, _, _ in rows}:
            raise LostGeneration
        self.commits.append(rows)

    def hold(self) -> None:
        self._turns = asyncio.Semaphore(0)

    def let(self, commits: int) -> None:
        assert self._turns is not None
        for _ in range(commits):
            self._turns.release()

    def rows_of(self, generation_id: int) -> list[tuple[int, bytes]]:
        return [
            (seq, payload) for rows in self.commits for owner, seq, payload in rows if owner == generation_id
        ]


class Writing:
    """A journal at work, what it stores, and what it tells the bus."""

    def __init__(self, tick_seconds: float) -> None:
        self.store, bus = Store(), LocalBus()
        self.shown: list[Committed] = []
        bus.subscribe(Committed, self.shown.append)
        self.journal = Journal(self.store, bus, OWNER, tick_seconds)
        self.lost: list[int] = []
        self.journal.on_lost(self.lost.append)

    async def shows(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - the journal tells nobody but the bus
                await asyncio.sleep(0.001)

    def frames(self, generation_id: int) -> bytes:
        return b"".join(b"".join(c.frames) for c in self.shown if c.generation_id == generation_id)


@asynccontextmanager
async def writing(tick_seconds: float = 0.01) -> AsyncIterator[Writing]:
    it = Writing(tick_seconds)
    task = asyncio.create_task(it.journal.write())
    try:
        yield it
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def pieces(run: RunLog, first: int, *contents: str) -> list[tuple[int, bytes]]:
    return [(first + n, stream.piece("chunk", run.message_id, text)) for n, text in enumerate(contents)]


async def test_pieces_of_one_tick_become_one_event_of_each_kind() -> None:
    async with writing() as it:
        run = RunLog(1, "m", seq=2)
        for kind, content in (("reasoning", "a"), ("reasoning", "b"), ("chunk", "c"), ("chunk", "d")):
            it.journal.append(run, kind, content)
        await it.shows(lambda: bool(it.shown))
        assert it.store.rows_of(1) == [
            (3, stream.piece("reasoning", "m", "ab")),
            (4, stream.piece("chunk", "m", "cd")),
        ]
        assert it.shown[0].first_seq == 3
        assert list(it.shown[0].frames) == [stream.frame(seq, p) for seq, p in it.store.rows_of(1)]


async def test_many_runs_are_one_commit_a_tick() -> None:
    async with writing(tick_seconds=0.05) as it:
        runs = [RunLog(number, "m", seq=2) for number in range(100)]
        began = time.monotonic()
        for step in range(20):
            for run in runs:
                it.journal.append(run, "chunk", f"{step} ")
            await asyncio.sleep(0.001)
        whole = "".join(f"{step} " for step in range(20))
        await it.shows(lambda: all("".join(_texts(it, run)) == whole for run in runs))
        # The first, then one a tick.
        assert len(it.store.commits) <= 2 + (time.monotonic() - began) / 0.05
        for run in runs:
            assert [seq for seq, _ in it.store.rows_of(run.generation_id)] == list(range(3, run.seq + 1))


def _texts(it: Writing, run: RunLog) -> list[str]:
    return [stream.fold([payload.decode()])[0] for _, payload in it.store.rows_of(run.generation_id)]


async def test_the_first_token_does_not_wait_for_the_tick() -> None:
    async with writing(tick_seconds=30) as it:
        first, second = RunLog(1, "m", seq=2), RunLog(2, "n", seq=2)
        it.journal.append(first, "chunk", "a", urgent=True)
        await it.shows(lambda: len(it.shown) == 1)
        it.journal.append(first, "chunk", "b")
        await asyncio.sleep(0.05)
        assert len(it.shown) == 1, "what is not urgent waits"
        it.journal.append(second, "chunk", "c", urgent=True)
        await it.shows(lambda: len(it.shown) == 3)
        assert it.store.rows_of(1) == pieces(first, 3, "a", "b")


async def test_nothing_is_shown_before_it_is_stored() -> None:
    async with writing() as it:
        it.store.hold()
        run = RunLog(1, "m", seq=2)
        it.journal.append(run, "chunk", "a", urgent=True)
        await it.store.asked.wait()
        assert not it.shown
        it.store.let(9)
        await it.shows(lambda: bool(it.shown))
        assert it.store.commits


@pytest.mark.parametrize("refusal", [StorageUnavailable(), StorageFull()])
async def test_what_the_database_refuses_is_kept_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.01)
    async with writing() as it:
        it.store.refuse = [refusal] * 5
        run = RunLog(1, "m", seq=2)
        for step in range(10):
            it.journal.append(run, "chunk", f"{step} ")
            await asyncio.sleep(0.004)
        await it.shows(lambda: "".join(_texts(it, run)) == "".join(f"{step} " for step in range(10)))
        assert [seq for seq, _ in it.store.rows_of(1)] == list(range(3, run.seq + 1))
        assert it.frames(1) == b"".join(stream.frame(seq, p) for seq, p in it.store.rows_of(1))


async def test_the_rest_of_a_run_comes_after_all_that_is_in_flight() -> None:
    """A commit may begin just as `rest` learns of the end of the one before: its rows come first as well."""
    async with writing(tick_seconds=0) as it:
        it.store.hold()
        run = RunLog(1, "m", seq=2)
        it.journal.append(run, "chunk", "a")
        await it.store.asked.wait()
        it.journal.append(run, "chunk", "b")
        rest = asyncio.create_task(it.journal.rest(run))
        await asyncio.sleep(0)
        it.store.let(1)
        for _ in range(20):
            await asyncio.sleep(0)
            assert not rest.done() or run.in_flight is None
        assert len(it.store.commits) == 1
        it.store.let(9)
        taken = await rest
        assert it.store.rows_of(1) + taken == pieces(run, 3, "a", "b")


async def test_a_run_that_another_process_has_is_told_and_the_others_go_on() -> None:
    async with writing() as it:
        runs = [RunLog(number, "m", seq=2) for number in range(3)]
        it.store.gone = {1}
        for run in runs:
            it.journal.append(run, "chunk", "a")
        await it.shows(lambda: len(it.shown) == 2)
        assert it.lost == [1]
        assert {commit.generation_id for commit in it.shown} == {0, 2}
        assert await it.journal.rest(runs[1]) == []


async def test_a_commit_that_comes_after_its_connection_was_lost_is_nobody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second attempt looks too early, and meets the rows of the first. Then each run is asked alone."""
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.01)
    async with writing() as at:
        at.store.gone.add(3)
        at.store.refuse = [StorageUnavailable(retry_after=1), LostGeneration(), LostGeneration()]
        for number in (1, 2, 3):
            at.journal.append(RunLog(number, f"m{number}", seq=2), "chunk", "说")
        await at.shows(lambda: bool(at.lost) and len(at.shown) == 2)
    assert at.lost == [3]
    assert {each.generation_id for each in at.shown} == {1, 2}
    assert at.store.works[0] is journal_repository.extend
    assert set(at.store.works[1:]) == {journal_repository.extend_again}


async def test_what_runs_take_in_their_turn_is_in_the_commit_that_gave_it() -> None:
    async with writing(tick_seconds=0.05) as it:
        runs = [RunLog(number, "m", seq=2) for number in range(3)]

        async def speak(run: RunLog) -> None:
            for word in "abc":
                await it.journal.turn()
                it.journal.append(run, "chunk", word)

        await asyncio.gather(*map(speak, runs))
        await it.shows(lambda: len(it.shown) == 9)
        assert [len(commit) for commit in it.store.commits] == [3, 3, 3]


async def test_who_gives_up_its_turn_keeps_nobody_from_theirs() -> None:
    async with writing(tick_seconds=0.02) as it:
        given_up = asyncio.create_task(it.journal.turn())
        waiting = asyncio.create_task(it.journal.turn())
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.wait_for(waiting, 5)


async def test_runs_go_on_without_a_database_until_too_much_is_pending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journals, "MOST_PENDING_CHARS", 100)
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.01)
    async with writing() as it:
        it.store.refuse = [StorageUnavailable()] * 1_000
        run = RunLog(1, "m", seq=2)
        it.journal.append(run, "chunk", "x", urgent=True)
        await it.store.asked.wait()
        for _ in range(3):
            await asyncio.wait_for(it.journal.turn(), 5)
            it.journal.append(run, "chunk", "x" * 50)
        waiting = asyncio.create_task(it.journal.turn())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        it.store.refuse.clear()
        await asyncio.wait_for(waiting, 5)
        await it.shows(lambda: sum(map(len, _texts(it, run))) == 151)
