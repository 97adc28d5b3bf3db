"""More requests than there are connections to the database."""

import asyncio
import time

import pytest

from duihua.db import postgres
from tests.cluster.conftest import Workers
from tests.db.notes import pause


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
