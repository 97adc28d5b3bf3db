"""Workers that are killed, frozen and renewed while replies stream: what anybody saw is what is kept."""

import asyncio
from pathlib import Path

from tests.faults.driver import client_of, servers
from tests.faults.history import STREAM
from tests.faults.listener import get, listen, post
from tests.faults.scenarios import kill_and_freeze, renew, tolerable

SETTLED_SECONDS = 15.0
RESUME_SECONDS = 2.0
STOP_SECONDS = 10.0


async def test_killed_and_frozen(tmp_path: Path, postgres_database_url: str) -> None:
    async with servers(tmp_path, postgres_database_url, DUIHUA_WORKERS="3") as started:
        outcome = await kill_and_freeze(await started.start(), postgres_database_url, streams=12)
    assert outcome.differences == []
    assert outcome.ends.keys() == {"complete", "generation_interrupted"}
    assert outcome.seconds <= SETTLED_SECONDS


async def test_renewed(tmp_path: Path, postgres_database_url: str) -> None:
    """Some replies finish while their worker waits, some are longer than it may."""
    options = {"DUIHUA_WORKERS": "3", "DUIHUA_DRAIN_SECONDS": "1"}
    async with servers(tmp_path, postgres_database_url, **options) as started:
        server = await started.start()
        outcome = await renew(server, postgres_database_url, streams=18, tokens=100, rate=20)
    assert outcome.differences == []
    assert outcome.ends["complete"] > 0
    assert outcome.ends.keys() <= {"complete", "generation_interrupted"}
    assert tolerable(list(outcome.refusals))
    assert max(outcome.gaps, default=0) <= RESUME_SECONDS


async def test_who_follows_at_a_worker_that_ends_goes_on_at_another(
    tmp_path: Path, postgres_database_url: str
) -> None:
    async with servers(tmp_path, postgres_database_url) as started:
        owner, other = [await started.start() for _ in range(2)]
        async with client_of(owner) as client:
            chat_id = (await client.conversation())["uuid"]
        body = {"chat_id": chat_id, "content": "问", "config": {"offline": {"tokens": 12_000, "rate": 20}}}
        asked = await listen(owner.port, post(STREAM, body, key=chat_id))
        await asked.heard("chunk")
        elsewhere = await listen(other.port, get(f"{STREAM}/{asked.task_id}"))
        await elsewhere.heard("chunk")
        other.terminate()
        async with asyncio.timeout(RESUME_SECONDS):
            await elsewhere.ended
            last = elsewhere.frames()[-1].event
            assert last.data["type"] == "chunk", "the reply is not over"
            again = await listen(owner.port, get(f"{STREAM}/{asked.task_id}", Last_Event_ID=str(last.id)))
            await again.heard("chunk")
        assert again.frames()[0].event.id == last.id + 1
        assert await other.ended(STOP_SECONDS) == 0
        assert not asked.ended.done()
