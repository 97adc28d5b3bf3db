"""Recovery: what a process left unfinished ends as `interrupted`, with all that it had committed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
# A start has more urgent things to do.
FIRST_SWEEP_SECONDS, SWEEP_SECONDS = 60.0, 600.0
# Where the database did not answer for so long, nobody could renew a lease: for a while, none is called over.
AWAY_SECONDS = ROUND_SECONDS + 2
GRACE_SECONDS = 2 * ROUND_SECONDS
# Nor does who has just begun know of such a time; the others have renewed theirs by then.
FIRST_SECONDS = ROUND_SECONDS + 1


class Recovery:
    """What this process does in rounds: renew its leases, take over abandoned runs, sweep old journals."""

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
                pass  # Somebody else was quicker.
            except AppError:
                raise
            except Exception:
                # The others are not to wait for it.
                log.exception("a reply that was left behind cannot be ended", generation=run.generation_id)
            else:
                self._bus.publish(notice)
            self._answered()
        if found:
            log.info("recovered replies that a stopped server left behind", recovered=len(found))
        return len(found)

    async def _abandoned(self) -> Sequence[repository.Abandoned]:
        engine, loop = self._engine, asyncio.get_running_loop()
        self._last_answer = self._last_answer or loop.time()
        found = await self._db.read(repository.abandoned, engine.owner, engine.alive, alone=self._alone)
        self._answered()
        return found if self._alone or loop.time() >= self._judging_from else ()

    def _answered(self) -> None:
        time = asyncio.get_running_loop().time()
        if time - (self._last_answer or time) > AWAY_SECONDS:
            self._judging_from = time + GRACE_SECONDS
        self._last_answer = time

    async def rounds(self) -> None:
        """For ever; each at its own pace: a lease that waits for a long sweep would run out."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_every(ROUND_SECONDS, self.renew), name="leases")
            first = 0.0 if self._alone else FIRST_SECONDS
            tasks.create_task(_every(ROUND_SECONDS, self.recover, first), name="recover")
            tasks.create_task(_every(SWEEP_SECONDS, self.sweep, FIRST_SWEEP_SECONDS), name="sweep")

    async def renew(self) -> None:
        """Say that the runs of this process go on; not from the pool, which others may have taken whole."""
        if running := self._engine.alive:
            await self._db.write_first(repository.renew_leases, running)

    async def sweep(self) -> None:
        """Delete what nobody will ask for any more."""
        kept_from = now() - self._journal_kept
        for some in (journal_repository.sweep, changes.sweep):
            while await self._db.write(some, kept_from):
                pass
        await self._db.write(forget_old_keys)


async def _every(seconds: float, act: Callable[[], Awaitable[object]], first: float = 0.0) -> None:
    await asyncio.sleep(first)
    while True:
        try:
            await act()
        except AppError as error:
            log.warning("recovery waits for the database", error=error.code)
        except Exception:
            log.exception("a round of recovery failed")
        await asyncio.sleep(seconds)


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
