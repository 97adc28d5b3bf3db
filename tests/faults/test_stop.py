"""SIGTERM: running replies finish or say that they were interrupted, new ones are refused, nothing hangs."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults.driver import Server, client_of, servers, states
from tests.faults.listener import Listener, listen, post
from tests.fixtures.client import Client
from tests.generation.laws import lawful

STREAM = "/chat/messages/stream"
STOP_SECONDS = 10.0
# At 20 tokens a second: half a second and ten minutes.
SHORT, LONG = 10, 12_000


async def test_replies_finish_or_say_that_they_were_interrupted(tmp_path: Path) -> None:
    async with servers(tmp_path, DUIHUA_DRAIN_SECONDS="2") as started:
        server = await started.start()
        async with client_of(server) as client:
            short = [await _reply(server, client, SHORT) for _ in range(3)]
            long = [await _reply(server, client, LONG) for _ in range(3)]
            for listener in (*short, *long):
                await listener.heard("chunk")
            stopping_at = time.monotonic()
            server.terminate()
            await server.said("waiting for running replies")
            await _refused(server, client)
            assert await server.ended(STOP_SECONDS) == 0
        assert time.monotonic() - stopping_at < STOP_SECONDS
        assert [await _end(listener) for listener in short] == ["complete"] * 3
        assert [await _end(listener) for listener in long] == ["generation_interrupted"] * 3
        rows = await states(server.database_url)
        assert sorted(row[1:] for row in rows) == [("complete",) * 2] * 3 + [("interrupted",) * 2] * 3


async def _reply(server: Server, client: Client, tokens: int) -> Listener:
    chat_id = (await client.conversation())["uuid"]
    return await listen(server.port, post(STREAM, _question(chat_id, tokens), key=chat_id))


def _question(chat_id: str, tokens: int) -> dict[str, Any]:
    return {"chat_id": chat_id, "content": "问", "config": {"offline": {"tokens": tokens, "rate": 20}}}


async def _refused(server: Server, client: Client) -> None:
    """No new connection; what comes on one that is open is told why."""
    with pytest.raises(ConnectionRefusedError):
        await listen(server.port, post(STREAM, {}, key="late"))
    chat_id = (await client.conversation())["uuid"]
    answer = await client.post("/chat/messages", _question(chat_id, SHORT))
    assert (answer.status, answer.error) == (503, "shutting_down")
    assert int(answer.headers["Retry-After"]) > 0
    assert await client.messages(chat_id) == []


async def _end(listener: Listener) -> str:
    """How a stream ended, which was whole: `complete`, or its error."""
    assert await listener.ended
    last = lawful([frame.event for frame in listener.frames()])
    return str(last.get("error", last["type"]))


async def test_a_stopped_server_leaves_nothing_to_recover(tmp_path: Path) -> None:
    """Also one that may not wait: what it interrupts is written down before it ends."""
    async with servers(tmp_path, DUIHUA_DRAIN_SECONDS="0") as started:
        server = await started.start()
        async with client_of(server) as client:
            listeners = [await _reply(server, client, LONG) for _ in range(20)]
            await _all_heard(listeners)
            server.terminate()
            assert await server.ended(STOP_SECONDS) == 0
        assert [await _end(listener) for listener in listeners] == ["generation_interrupted"] * 20
        assert {row[1:] for row in await states(server.database_url)} == {("interrupted", "interrupted")}
        again = await started.start()
        again.terminate()
        assert await again.ended(STOP_SECONDS) == 0
        assert "recovered" not in again.log


async def _all_heard(listeners: Sequence[Listener]) -> None:
    await asyncio.gather(*(listener.heard("chunk") for listener in listeners))


async def test_a_server_without_work_stops_at_once(tmp_path: Path) -> None:
    """Whatever the replies' time would be, and though a client keeps its connection."""
    async with servers(tmp_path, DUIHUA_DRAIN_SECONDS="60") as started:
        server = await started.start()
        async with client_of(server) as client:
            await client.conversation()
            server.terminate()
            assert await server.ended(STOP_SECONDS / 2) == 0
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.get("/health")


async def test_a_second_server_on_one_file_is_refused(tmp_path: Path) -> None:
    async with servers(tmp_path) as started:
        first = await started.start()
        second = await started.execute()
        assert await second.ended() == 1
        assert f"process {first.pid}" in second.log
        assert str(tmp_path / "duihua.db") in second.log
        assert "Traceback" not in second.log
        async with client_of(first) as client:
            assert (await client.get("/ready")).data["database"] == "sqlite"
        first.freeze()
        assert await (await started.execute()).ended() == 1, "a server that sleeps still has its file"
        first.thaw()
        first.terminate()
        assert await first.ended(STOP_SECONDS) == 0
        third = await started.start()
        assert third.pid != first.pid
