"""More requests than there are connections to the database."""

import asyncio
import time

import pytest

from duihua.core.clock import now
from duihua.db import postgres
from duihua.models.generation import LEASE
from tests.cluster.conftest import Workers
from tests.db.notes import pause
from tests.generation.abandoned import change, recovery_of, row_of
from tests.generation.asking import asked


async def test_who_finds_every_connection_taken_is_told_to_come_again(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "POOL_WAIT_SECONDS", 0.3)
    async with workers(1, database_connections=1) as (client,):
        chat_id = (await client.conversation())["uuid"]
        busy = asyncio.create_task(client.app.state.database.write(pause, 4.0))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        body = {"chat_id": chat_id, "content": "问"}
        answers = await asyncio.gather(
            *(client.get("/chat/groups") for _ in range(5)), client.post("/chat/messages/stream", body)
        )
        assert time.monotonic() - began < 3, "it hung"
        assert {(answer.status, answer.error) for answer in answers} == {(503, "storage_unavailable")}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        await busy
        assert (await client.get("/chat/groups")).status == 200
        assert (await client.messages(chat_id)) == []


async def test_leases_need_no_connection_that_others_may_have_taken(workers: Workers) -> None:
    async with workers(1, database_connections=1) as (client,):
        chat_id = (await client.conversation())["uuid"]
        async with client.open_stream("/chat/messages/stream", asked(chat_id, hang_after=0)) as stream:
            row = await row_of(client, stream.task_id)
            await change(client, row.id, lease_expires_at=now())
            busy = asyncio.create_task(client.app.state.database.write(pause, 2.0))
            await asyncio.sleep(0.1)
            await asyncio.wait_for(recovery_of(client).renew(), 1)
            assert not busy.done()
            await busy
            assert (await row_of(client, stream.task_id)).lease_expires_at > now() + LEASE / 2
