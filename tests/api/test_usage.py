"""`/chat/models/stats` and `/chat/api-keys/stats`: how often models were asked, and how well they did."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from duihua.core.ids import new_uuid
from duihua.db.session import Database, Session
from duihua.models import Generation
from duihua.statistics import rolling, service, usage_repository
from tests.fixtures.client import Client
from tests.fixtures.rows import Owned, add_rows, add_stranger
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import DONE, FINISH, answer, delta, event, head
from tests.generation.asking import MODEL, scripted

# In Kathmandu it is five past midnight of 1 February.
NOW = datetime(2026, 1, 31, 18, 20, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
UNUSED = {
    **dict.fromkeys(("requests", "errors", "prompt_tokens", "completion_tokens"), 0),
    **dict.fromkeys(("average_latency", "average_first_token", "average_tokens_per_second", "last_used_at")),
}


def _run(session: Session, task: str) -> Generation:
    return session.scalars(select(Generation).where(Generation.uuid == task)).one()


def add(session: Session, own: Owned, age: timedelta, seconds: int, **fields: Any) -> None:
    """A run so long ago that took so long, the first token after a quarter of it."""
    begun = NOW - age
    given = {
        "model_id": "m",
        "connection_id": own.connection,
        "state": "complete",
        "prompt_tokens": 10,
        "completion_tokens": 30,
        "created_at": begun,
        "first_token_ms": seconds * 250,
        "total_ms": seconds * 1000,
        "finished_at": begun + timedelta(seconds=seconds),
    }
    task = _run(session, own.task)
    same = ("user_id", "conversation_id", "user_message_id", "message_id", "provider", "language", "owner")
    session.add(Generation(uuid=new_uuid(), **{name: getattr(task, name) for name in same} | given | fields))


def _age(session: Session, task: str) -> None:
    _run(session, task).created_at = LONG_AGO


@pytest.fixture
async def own(client: Client, monkeypatch: pytest.MonkeyPatch) -> Owned:
    monkeypatch.setattr(service, "now", lambda: NOW)
    db = client.app.state.database
    own, stranger = await db.write(add_rows), await db.write(add_stranger)
    for each in (own, stranger):
        await db.write(_age, each.task)
        await db.write(add, each, timedelta(minutes=1), 4)
    await db.write(add, own, timedelta(minutes=30), 8)
    silent = {"first_token_ms": None, "prompt_tokens": None, "completion_tokens": None}
    await db.write(add, own, timedelta(days=3), 100, state="failed", **silent)
    await db.write(add, own, timedelta(days=200), 4, model_id="other", connection_id=None)
    return own


async def test_models_are_told_apart_by_time(client: Client, own: Owned) -> None:
    [today] = (await client.get("/chat/models/stats?timeRange=day")).data
    assert today == {
        "model_id": "m",
        "requests": 2,
        "errors": 0,
        "prompt_tokens": 20,
        "completion_tokens": 60,
        "average_latency": 6.0,
        "average_first_token": 1.5,
        # In 3 and 6 seconds.
        "average_tokens_per_second": round(60 / 9, 3),
        "last_used_at": "2026-01-31T18:19:00.000000+00:00",
    }
    [there] = (await client.get("/chat/models/stats?time_range=day&tz=Asia/Kathmandu")).data
    assert there["requests"] == 1
    [week] = (await client.get("/chat/models/stats")).data
    assert week == today | {"requests": 3, "errors": 1}
    year = (await client.get("/chat/models/stats?timeRange=year")).data
    assert [(row["model_id"], row["requests"]) for row in year] == [("m", 3), ("other", 1)]
    [other] = (await client.get("/chat/models/stats?timeRange=all&modelId=other")).data
    assert other["requests"] == 1
    for wrong in ("timeRange=ever", "tz=Mars/Olympus"):
        assert (await client.get(f"/chat/models/stats?{wrong}")).status == 422


async def test_connections_are_listed_used_or_not(client: Client, own: Owned) -> None:
    new = {"model_url": "http://127.0.0.1:9", "provider": "vllm", "model_name": "v", "status": "inactive"}
    unused = (await client.post("/chat/api-keys", new)).data["id"]
    first, second = (await client.get("/chat/api-keys/stats")).data
    assert (first["api_key_id"], first["requests"], first["average_latency"]) == (own.connection, 3, 6.0)
    assert second == {"api_key_id": unused, "provider": "vllm", "model_name": "v"} | UNUSED
    await client.delete(f"/chat/api-keys/{own.connection}")
    left = (await client.get("/chat/api-keys/stats?timeRange=all")).data
    assert [row["api_key_id"] for row in left] == [unused]


QUERIES = [
    f"{name}/stats?timeRange={time_range}&tz={zone}"
    for name in ("models", "api-keys")
    for time_range in ("day", "week", "month", "year", "all")
    for zone in ("UTC", "Asia/Kathmandu", "America/Los_Angeles")
] + ["models/stats?timeRange=all&modelId=other"]


async def told(client: Client) -> list[Any]:
    return [(await client.get(f"/chat/{query}")).data for query in QUERIES]


async def test_days_that_are_over_are_told_as_before(client: Client, own: Owned) -> None:
    db = client.app.state.database
    # At the borders of days and months, in one zone or the other.
    for days in (30.7, 30.8, 31, 58, 62, 199, 200, 230, 364, 365, 366, 396):
        await db.write(add, own, timedelta(days=days, minutes=21), 3, total_ms=None)
        await db.write(add, own, timedelta(days=days), 9, completion_tokens=None, connection_id=None)
    before = await told(client)
    for _ in range(2):
        await rolling.count_days(db)
        assert await told(client) == before
    # They are not read again.
    await db.write(_rename)
    models = {row["model_id"] for row in (await client.get("/chat/models/stats?timeRange=all")).data}
    assert models == {"m", "other", "offline"}


async def test_a_day_is_counted_when_its_runs_have_ended(database: Database) -> None:
    own = await database.write(add_rows)
    for days in (0, 1, 2):
        state = "streaming" if days == 1 else "complete"
        await database.write(add, own, timedelta(days=days), 1, state=state)

    def end(session: Session) -> None:
        session.execute(update(Generation).where(Generation.state == "streaming").values(state="failed"))

    for finish in (end, _rename):
        await rolling.count_days(database)
        await database.write(finish)
        found = await database.read(usage_repository.used, own.user, usage_repository.EVER, "model_id")
        assert (found["m"].sums["requests"], found["m"].sums["errors"]) == (3, 1)


def _rename(session: Session) -> None:
    session.execute(update(Generation).values(model_id="x"))


async def test_what_is_purged_was_not_done(client: Client, own: Owned) -> None:
    db = client.app.state.database
    await rolling.count_days(db)
    for call in (
        client.delete(f"/chat/conversations/{own.chat}"),
        client.delete("/chat/trash", {"all": True}),
    ):
        assert (await call).status == 200
    assert (await client.get("/chat/models/stats?timeRange=all")).data == []
    await rolling.count_days(db)
    assert (await client.get("/chat/models/stats?timeRange=all")).data == []


async def test_what_runs_is_recorded(start_server: StartServer) -> None:
    counts = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}
    script = [head(), 0.2, delta("好"), 0.3, delta("。") + FINISH + event(counts) + DONE]
    async with scripted(start_server, script, answer(400, {"error": "no"})) as server:
        await server.reply()
        await server.reply()
        [row] = (await server.client.get("/chat/models/stats?timeRange=day")).data
        assert (row["model_id"], row["requests"], row["errors"]) == (MODEL, 2, 1)
        assert (row["prompt_tokens"], row["completion_tokens"]) == (5, 7)
        assert 0.2 <= row["average_first_token"] < row["average_latency"]
        assert row["average_tokens_per_second"] > 0
