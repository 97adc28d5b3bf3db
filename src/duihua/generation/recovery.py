"""Recovery: what a process left unfinished ends as `interrupted`, with all that it had committed."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import structlog

from duihua.changes import repository as changes
from duihua.core.clock import now
from duihua.core.errors import AppError
from duihua.core.i18n import Language
from duihua.db.session import Database, Session
from duihua.generation import journal_repository, repository
from duihua.generation.ending import Ending, LostGeneration, terminal_event
from duihua.generation.engine import Engine
from duihua.http.repository import forget_old_keys
from duihua.realtime.bus import Bus, Committed
from duihua.schemas import stream
from duihua.schemas.title import MAX_LENGTH
from duihua.titles.extract import extracted
from duihua.vocabulary import MessageState

log = structlog.get_logger()
ROUND_SECONDS = 3.0
SWEEP_SECONDS = 600.0
# Where the database did not answer for so long, nobody could renew a lease: for a while, none is called over.
AWAY_SECONDS = ROUND_SECONDS + 2
GRACE_SECONDS = 2 * ROUND_SECONDS


class Recovery:
    """The rounds of this process: renew its leases, take over abandoned runs, sweep old journals."""

    def __init__(self, db: Database, bus: Bus, engine: Engine, *, journal_kept: timedelta) -> None:
        self._db, self._bus, self._engine, self._journal_kept = db, bus, engine, journal_kept
        self._alone = not db.is_shared
        self._last_answer: float | None = None
        self._judging_from = 0.0

    async def recover(self) -> int:
        """End every abandoned run; how many there were."""
        found = await self._abandoned()
        for run in found:
            try:
                notice = await self._db.write(end, run)
            except LostGeneration:
                continue  # Somebody else was quicker.
            self._bus.publish(notice)
        if found:
            log.info("recovered replies that a stopped server left behind", recovered=len(found))
        return len(found)

    async def _abandoned(self) -> Sequence[repository.Abandoned]:
        engine, loop = self._engine, asyncio.get_running_loop()
        asked_at = self._last_answer or loop.time()
        self._last_answer = asked_at
        found = await self._db.read(repository.abandoned, engine.owner, engine.alive, alone=self._alone)
        self._last_answer = loop.time()
        if self._last_answer - asked_at > AWAY_SECONDS:
            self._judging_from = self._last_answer + GRACE_SECONDS
        return found if self._alone or self._last_answer >= self._judging_from else ()

    async def rounds(self) -> None:
        """Every few seconds, for ever."""
        loop = asyncio.get_running_loop()
        next_sweep = loop.time()
        while True:
            try:
                if self._engine.alive:
                    await self._db.write(repository.renew_leases, self._engine.alive)
                await self.recover()
                if loop.time() >= next_sweep:
                    next_sweep = loop.time() + SWEEP_SECONDS
                    await self._sweep()
            except AppError as error:
                log.warning("recovery waits for the database", error=error.code)
            except Exception:
                log.exception("a round of recovery failed")
            await asyncio.sleep(ROUND_SECONDS)

    async def _sweep(self) -> None:
        swept = True
        while swept:
            swept = bool(await self._db.write(journal_repository.sweep, now() - self._journal_kept))
        await self._db.write(changes.sweep, now() - self._journal_kept)
        await self._db.write(forget_old_keys)


def end(session: Session, run: repository.Abandoned) -> Committed:
    """End a run that its owner no longer works on; the notice of it.

    Raises:
        LostGeneration: it has ended by now.
    """
    payloads = journal_repository.events_of(session, run.generation_id)
    content, reasoning = stream.fold(payloads)
    state, error = MessageState.INTERRUPTED, "generation_interrupted"
    ending = Ending(run.generation_id, run.owner, state, content, reasoning, error=error)
    if run.cancelled:
        ending = ending._replace(state=MessageState.CANCELLED, error=None)
    title = extracted(repository.question_of(session, run.generation_id), MAX_LENGTH) if content else ""
    last = terminal_event(run.message_id, cast(Language, run.language), ending)
    ending = ending._replace(title=title or None, seq=len(payloads), terminal=last)
    rows = repository.finish(session, ending)
    frames = [stream.frame(seq, payload) for seq, payload in rows]
    return Committed(run.generation_id, rows[0][0], frames, ended=True, owner=run.owner)
