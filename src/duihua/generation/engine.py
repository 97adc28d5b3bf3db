"""The engine: runs that outlive their requests, each ended exactly once."""

import asyncio
import signal
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from duihua.core.errors import AppError, Unavailable
from duihua.db.insisting import until_taken
from duihua.db.session import Database
from duihua.generation import journal_repository, repository
from duihua.generation.ending import Ended, Ending, LostGeneration, terminal_event
from duihua.generation.feeds import Feed, Feeds
from duihua.generation.journal import Journal
from duihua.generation.repository import Asked
from duihua.generation.run import Generating
from duihua.generation.starting import Run
from duihua.generation.watch import Watch
from duihua.realtime.bus import EVERYBODY, Bus, Committed, Notice, Requested, Withdrawn, asked_of
from duihua.realtime.looking import Looking
from duihua.schemas import stream
from duihua.vocabulary import MessageState

log = structlog.get_logger()
# How long a stopped run may take to be written down before whoever stopped it gets an answer anyway.
STOP_SECONDS = 5.0
# How long a run may go on that another process was asked to stop, where no notice of that comes.
REQUEST_POLL_SECONDS = 0.5
# How often whoever waits for another process's runs to end looks.
_ENDED_POLL_SECONDS = 0.03


class TooManyGenerations(Unavailable):
    """The configured number of runs is reached."""

    code = "too_many_generations"


class ShuttingDown(Unavailable):
    """No new runs: the server is stopping."""

    code = "shutting_down"


class _Live:
    """A run and its task; `stopped_as` is the state that a cancellation means."""

    __slots__ = ("generating", "stopped_as", "supervisor", "task")

    def __init__(self, generating: Generating) -> None:
        self.generating = generating
        self.stopped_as: MessageState | None = None
        self.task: asyncio.Task[tuple[MessageState, AppError | None]]
        self.supervisor: asyncio.Task[None]

    def stop(self, state: MessageState) -> None:
        """Cancel the run, once: the first reason stands."""
        if self.stopped_as is None and not self.task.done():
            self.stopped_as = state
            self.task.cancel()


class Engine:
    """Owns the tasks of all runs of this process, whose name is `owner`."""

    def __init__(
        self, db: Database, bus: Bus, owner: str, *, tick_seconds: float, most_runs: int, most_chars: int
    ) -> None:
        self.owner = owner
        self.feeds = Feeds(bus)
        self.watch = Watch(db, bus, self.feeds)
        self._db, self._bus = db, bus
        self.journal = Journal(db, bus, owner, tick_seconds)
        self.journal.on_lost(self._abandon)
        self._most_runs, self._most_chars = most_runs, most_chars
        self.ended = Ended()
        self._live: dict[int, _Live] = {}
        self._admitted = 0
        self._draining = False
        self._background: list[asyncio.Task[None]] = []
        self._requests = Looking(self._heed_requests, REQUEST_POLL_SECONDS)
        bus.subscribe(Withdrawn, self._withdrawn)
        for topic in (EVERYBODY, asked_of(owner)):
            bus.listen(topic, self._requests.wake)

    def open(self) -> None:
        """Begin to commit and to keep connections alive."""
        self._background = [
            asyncio.create_task(self.journal.write(), name="journal"),
            asyncio.create_task(self.feeds.keep_alive(), name="keep-alive"),
        ]
        if self._db.is_shared:
            self._background += [
                asyncio.create_task(self.watch.forever(), name="watch"),
                asyncio.create_task(self._requests.forever(), name="requests"),
            ]
        for task in self._background:
            task.add_done_callback(_stop_the_process)

    @property
    def alive(self) -> Sequence[int]:
        """The generations that are running here."""
        return list(self._live)

    @property
    def draining(self) -> bool:
        """Whether this process is about to end."""
        return self._draining

    def admit(self) -> None:
        """Reserve room for a run, before anything of it is stored; `start` or `dismiss` must follow.

        Raises:
            TooManyGenerations, ShuttingDown.
        """
        self.check_open()
        if self._admitted >= self._most_runs:
            raise TooManyGenerations(limit=self._most_runs, retry_after=2)
        self._admitted += 1

    def check_open(self) -> None:
        """Raises ShuttingDown where this process is about to end."""
        if self._draining:
            raise ShuttingDown(retry_after=5)

    def dismiss(self) -> None:
        """Give back the room that `admit` reserved: no run came of it, or it has ended."""
        self._admitted -= 1

    def start(self, run: Run) -> Feed:
        """Run it, whoever listens; its feed."""
        feed = self.feeds.open(run.generation_id, run.frames)
        live = _Live(Generating(run, self.journal, most_chars=self._most_chars))
        live.task = asyncio.create_task(live.generating.to_the_end(), name=f"run {run.generation_id}")
        live.supervisor = asyncio.create_task(self._supervise(live), name=f"supervise {run.generation_id}")
        self._live[run.generation_id] = live
        return feed

    async def stop(self, asked: Sequence[Asked]) -> None:
        """Stop these runs, of which the database says that they shall stop; wait, at most `STOP_SECONDS`.

        Those that run here are written down then; those of other processes have ended, or would not.
        """
        here = [self._live[run.generation_id] for run in asked if run.generation_id in self._live]
        for live in here:
            live.stop(MessageState.CANCELLED)
        elsewhere = [run for run in asked if run.owner != self.owner]
        for owner in {run.owner for run in elsewhere}:
            self._bus.publish(Requested(owner))
        try:
            async with asyncio.timeout(STOP_SECONDS):
                if here:
                    await asyncio.wait([live.supervisor for live in here])
                await self._ended([run.generation_id for run in elsewhere])
        except TimeoutError:
            log.warning("stopping takes long", generations=[run.generation_id for run in asked])

    async def _ended(self, generation_ids: Sequence[int]) -> None:
        """Wait until none of these is running, whoever ends it."""
        if not generation_ids:
            return
        # Polled: their process may be gone, and the bus too.
        while await self._db.read(repository.running_among, generation_ids):  # noqa: ASYNC110
            await asyncio.sleep(_ENDED_POLL_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Take no more runs, let those under way finish for so long, then mark the rest interrupted."""
        self._draining = True
        self.feeds.close_elsewhere()
        if self._live:
            log.info("waiting for running replies", running=len(self._live), seconds=seconds)
            await asyncio.wait([live.supervisor for live in self._live.values()], timeout=seconds)
        for live in list(self._live.values()):
            live.stop(MessageState.INTERRUPTED)
        if self._live:
            await asyncio.wait([live.supervisor for live in self._live.values()], timeout=STOP_SECONDS)

    async def close(self) -> None:
        """Drain at once and end the background tasks."""
        await self.drain(0)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _supervise(self, live: _Live) -> None:
        # The run's own task may be cancelled before its first step; this one never is.
        generation_id = live.generating.run.generation_id
        try:
            await asyncio.wait([live.task])
            if live.task.cancelled():
                state, error = live.stopped_as or MessageState.INTERRUPTED, None
            else:
                state, error = live.task.result()
            await self._finish(live.generating, state, error)
        except Exception:
            log.exception("a reply could not be ended: its lease will run out", generation=generation_id)
            # Who follows it comes back to the journal, and to whoever ends it.
            self.feeds.close(generation_id)
        finally:
            del self._live[generation_id]
            self.dismiss()

    async def _finish(self, ended: Generating, state: MessageState, error: AppError | None) -> None:
        run, said = ended.run, ended.said
        # Before the last pieces are held back for the end: they are not to wait for a title.
        title = await ended.titling.end("".join(said.text), waits=state == MessageState.COMPLETE)
        rest = await self.journal.rest(said)
        self.ended.add(state, error, ended.usage)
        ending = _ending(ended, state, error, self.owner)._replace(title=title, rows=rest, seq=said.seq)
        ending = ending._replace(terminal=terminal_event(run.message_id, run.language, ending))
        rows = await until_taken(self._store_end, ending)
        frames = [stream.frame(seq, payload) for seq, payload in rows]
        first = rows[0][0] if rows else 1
        self._bus.publish(Committed(run.generation_id, first, frames, ended=True, owner=self.owner))

    async def _store_end(self, ending: Ending) -> Sequence[tuple[int, bytes]]:
        """Write the end down; the events that followers may not have yet."""
        try:
            return await self._db.write(repository.finish, ending)
        except LostGeneration:
            # By another process, or by us where the word of the commit was lost: the journal says how.
            log.warning("this generation has been ended already", generation=ending.generation_id)
            payloads = await self._db.read(journal_repository.events_of, ending.generation_id)
            return [(seq, payload.encode()) for seq, payload in enumerate(payloads, start=1)]

    def _abandon(self, generation_id: int) -> None:
        if generation_id in self._live:
            self._live[generation_id].stop(MessageState.INTERRUPTED)

    async def _heed_requests(self, _: object) -> None:
        """Stop what runs here and is no longer wanted, whichever process was told so."""
        running = self.alive
        if not running:
            return
        # One statement is its own snapshot: on the journal's connection it costs a fifth of a read.
        wanted = await self._db.write_first(repository.still_wanted, running)
        for generation_id in running:
            if generation_id not in wanted and generation_id in self._live:
                self._live[generation_id].stop(MessageState.CANCELLED)

    def _withdrawn(self, notice: Notice) -> None:
        assert isinstance(notice, Withdrawn)
        for live in self._live.values():
            if live.generating.run.conversation_id in notice.conversation_ids:
                live.stop(MessageState.CANCELLED)


def _stop_the_process(task: asyncio.Task[None]) -> None:
    # Without its journal a server could only pretend to work. It stops; recovery keeps what was committed.
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("a background task died; stopping", task=task.get_name(), exc_info=error)
        signal.raise_signal(signal.SIGTERM)


def _ending(ended: Generating, state: MessageState, error: AppError | None, owner: str) -> Ending:
    code = error.code if error else None
    if state == MessageState.INTERRUPTED:
        code = "generation_interrupted"
    return Ending(
        generation_id=ended.run.generation_id,
        owner=owner,
        state=state,
        content="".join(ended.said.text),
        reasoning="".join(ended.said.reasoning),
        reasoning_ms=ended.thinking.milliseconds,
        error=code,
        error_values=_kept_values(error) if error else None,
        finish_reason=ended.finish_reason,
        usage=msgspec.to_builtins(ended.usage),
        begun_tokens=ended.run.begun.tokens,
        first_token_at=ended.first_token_at,
        finished_at=ended.finished_at,
    )


def _kept_values(error: AppError) -> dict[str, Any] | None:
    """What the error's sentence is filled with, and how many seconds one should wait, where that was said."""
    waiting = {} if error.retry_after is None else {"retry_after": error.retry_after}
    return (error.values | waiting) or None
