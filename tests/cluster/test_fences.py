"""Who may write to a run: its owner, while its lease runs by the database's clock; nobody after its end."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from duihua.core import clock
from duihua.core.clock import now
from duihua.db import postgres
from duihua.db.clock import FromNow
from duihua.db.session import Database, Session, open_database
from duihua.generation import journal_repository, starting
from duihua.generation.ending import LostGeneration
from duihua.models import Generation
from duihua.models.generation import LEASE
from duihua.schemas import stream
from tests.cluster.conftest import Workers
from tests.fixtures.client import Client
from tests.generation.abandoned import DEAD, abandon, change, payloads_of, recovery_of, row_of
from tests.generation.asking import asked, until


async def test_the_clock_is_the_databases(database: Database) -> None:
    def unit(session: Session) -> Any:
        return session.execute(
            select(FromNow(), FromNow(timedelta(hours=1, milliseconds=500)), FromNow(-LEASE))
        ).one()

    moment, later, earlier = await database.read(unit)
    assert abs(moment - now()) < timedelta(seconds=5)
    assert moment.tzinfo is not None
    tolerance = timedelta(milliseconds=1)
    assert abs(later - moment - timedelta(hours=1, milliseconds=500)) <= tolerance
    assert abs(moment - earlier - LEASE) <= tolerance


async def test_a_machine_with_a_wrong_clock_gives_the_right_lease(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (clock, starting):
        monkeypatch.setattr(module, "now", lambda: now() - timedelta(days=1))
    chat_id = (await client.conversation())["uuid"]
    async with client.open_stream("/chat/messages/stream", asked(chat_id, hang_after=1)) as opened:
        await until(opened, "chunk")
        row = await row_of(client, opened.task_id)
        left = row.lease_expires_at - await client.app.state.database.read(_moment)
        assert LEASE / 2 < left <= LEASE
        assert row.created_at < now() - timedelta(hours=23), "the clock was not wrong"


def _moment(session: Session) -> Any:
    return session.scalars(select(FromNow())).one()


async def test_nothing_is_written_to_a_run_that_ended_long_ago(client: Client) -> None:
    """Its journal has been swept: the numbers of its events are free again."""
    chat_id = (await client.conversation())["uuid"]
    left = await abandon(client, chat_id, "一半")
    assert await recovery_of(client).recover() == 1
    db: Database = client.app.state.database
    await db.write(journal_repository.sweep, now() + timedelta(days=1))
    late = [(left.generation_id, 4, stream.piece("chunk", left.message_id, "太晚了"))]
    for write in (journal_repository.extend, journal_repository.extend_again):
        with pytest.raises(LostGeneration):
            await db.write_first(write, DEAD, late)
    assert await payloads_of(client, left.generation_id) == []


async def test_nothing_is_written_to_the_run_of_another(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    left = await abandon(client, chat_id, "一半")
    before = await payloads_of(client, left.generation_id)
    rows = [(left.generation_id, len(before) + 1, stream.piece("chunk", left.message_id, "插嘴"))]
    with pytest.raises(LostGeneration):
        await client.app.state.database.write_first(journal_repository.extend, "somebody else", rows)
    assert await payloads_of(client, left.generation_id) == before


async def test_whoever_freezes_in_a_transaction_does_not_hold_up_recovery(
    postgres_database_url: str, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends the sleeper's session, and with it the lock on the row that recovery needs."""
    monkeypatch.setitem(postgres._SESSION, "idle_in_transaction_session_timeout", "500ms")
    frozen = open_database(postgres_database_url, pool_size=1)
    async with workers(1) as (client,):
        chat_id = (await client.conversation())["uuid"]
        left = await abandon(client, chat_id, "一半")
        await change(client, left.generation_id, lease_expires_at=now() + timedelta(seconds=60))
        async with frozen._engine.connect() as connection:  # type: ignore[attr-defined]  # it is PostgreSQL's
            await connection.execute(
                update(Generation).values(owner="frozen", lease_expires_at=func.now() - timedelta(hours=1))
            )
            await change_lease_when_free(client, left.generation_id)
            assert await recovery_of(client).recover() == 1
            await connection.invalidate()
        assert (await row_of(client, left.task_id)).owner == DEAD, "what slept was undone"
    await frozen.close()


async def change_lease_when_free(client: Client, generation_id: int) -> None:
    """Waits for the row's lock, as recovery would."""
    async with asyncio.timeout(4):
        await change(client, generation_id, lease_expires_at=now() - timedelta(seconds=1))
