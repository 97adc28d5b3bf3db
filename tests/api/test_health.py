"""`/health` and `/ready`."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from duihua.http import health
from tests.fixtures.server import StartServer
from tests.fixtures.watched_database import WatchedDatabase


async def test_a_database_that_does_not_answer_is_not_ready(
    watched: Callable[[Any], WatchedDatabase], start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start_server() as client:
        database = watched(client)
        ready = (await client.get("/ready")).data
        assert ready == {"status": "ok", "database": database.dialect, "redis": "not used"}

        async def hang(_: object) -> None:
            await asyncio.sleep(5)

        before, database.before = database.before, hang
        with monkeypatch.context() as impatient:
            impatient.setattr(health, "PATIENCE_SECONDS", 0.1)
            refused = await client.get("/ready")
        assert (refused.status, refused.error) == (503, "storage_unavailable")
        assert (await client.get("/health")).data == {"status": "ok"}
        database.before = before
        assert (await client.get("/ready")).status == 200
