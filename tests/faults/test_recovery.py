"""A client that asks just while recovery ends its reply is told the end: it must not wait for ever."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from duihua.conversations import service as conversations
from duihua.core.clock import now
from duihua.db.session import Database, Session
from duihua.generation import recovery as recoveries
from duihua.generation import service, starting
from duihua.generation.engine import Engine
from duihua.generation.recovery import Recovery
from duihua.models import Generation
from duihua.models.user import LOCAL_USER_ID
from duihua.realtime.bus import LocalBus
from duihua.schemas.conversation import ConversationCreate
from duihua.schemas.message import MessageCreate
from tests.fixtures.callers import offline_caller


class Interrupting:
    """A database where recovery is done after the n-th reading, before its reader has the answer."""

    def __init__(self, database: Database, recovery: Recovery, after: int) -> None:
        self._database, self._recovery, self._left = database, recovery, after

    async def read(self, *args: Any) -> Any:
        answer = await self._database.read(*args)
        self._left -= 1
        if self._left == 0:
            assert await self._recovery.recover() == 1
        return answer


async def _abandoned(database: Database) -> str:
    """The task id of a run whose process is gone, and its lease over."""
    chat = await database.write(conversations.create, LOCAL_USER_ID, ConversationCreate())
    caller = offline_caller("gone")
    begun = await database.write(starting.send, caller, MessageCreate(chat_id=chat["uuid"], content="问"))
    return begun.task_id


async def _told_the_end(database: Database, after: int) -> None:
    bus = LocalBus()
    engine = Engine(database, bus, "here", tick_seconds=0, most_runs=1, most_chars=1)
    recovery = Recovery(database, bus, engine, journal_kept=timedelta(hours=1))
    recovery._alone = True  # On PostgreSQL, too: its lease would end in ten seconds.
    task_id = await _abandoned(database)
    late: Any = Interrupting(database, recovery, after)
    attached = await service.attach(late, engine, LOCAL_USER_ID, task_id)
    async with asyncio.timeout(5):
        while not attached.feed.ended:
            await attached.feed.changed()
    assert b'"error":"generation_interrupted"' in attached.feed.frames[-1]
    assert len(attached.feed.frames) == 3


async def test_it_ends_after_the_first_reading(database: Database) -> None:
    await _told_the_end(database, after=1)


async def test_it_ends_after_the_second_reading(database: Database) -> None:
    await _told_the_end(database, after=2)


async def test_leases_that_ran_out_while_nobody_could_renew_them_are_not_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was silent for a while: its owners, too, must have had time to come back."""
    monkeypatch.setattr(recoveries, "AWAY_SECONDS", 0.2)
    monkeypatch.setattr(recoveries, "GRACE_SECONDS", 0.4)
    bus = LocalBus()
    engine = Engine(database, bus, "here", tick_seconds=0, most_runs=1, most_chars=1)
    recovery = Recovery(database, bus, engine, journal_kept=timedelta(hours=1))
    recovery._alone = False  # On SQLite, too.
    assert await recovery.recover() == 0
    await asyncio.sleep(0.3)
    await _abandoned(database)
    await database.write(_run_out)
    assert await recovery.recover() == 0, "they were silent no longer than the database"
    async with asyncio.timeout(10):
        while await recovery.recover() == 0:  # noqa: ASYNC110 - as its rounds do
            await asyncio.sleep(0.01)


def _run_out(session: Session) -> None:
    session.execute(update(Generation).values(lease_expires_at=now() - timedelta(seconds=1)))
