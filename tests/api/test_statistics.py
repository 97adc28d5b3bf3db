"""`/chat/statistics`: how much was said, when, by whom and where."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from duihua.core.ids import new_uuid
from duihua.db.session import Session
from duihua.models import Conversation, Message, UserSettings
from duihua.models.user import LOCAL_USER_ID
from duihua.statistics import service
from tests.fixtures.client import Client
from tests.fixtures.rows import add_stranger, conversation

# In Kathmandu it is five past midnight of 1 February.
NOW = datetime(2026, 1, 31, 18, 20, tzinfo=UTC)
KATHMANDU = "tz=Asia/Kathmandu"


@pytest.fixture(autouse=True)
def _standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "now", lambda: NOW)


async def counted(client: Client, query: str = "") -> dict[str, Any]:
    return (await client.get(f"/chat/statistics?{query}")).data


def add(session: Session, *ages: timedelta, group_id: int = 1, model: str = "m", **fields: Any) -> int:
    """A conversation with a question and a reply so long ago, each time."""
    chat = conversation(group_id=group_id, created_at=NOW - max(ages), **fields)
    session.add(chat)
    session.flush()
    for age in ages:
        for role, tokens in (("user", 3), ("assistant", 7)):
            session.add(
                Message(
                    uuid=new_uuid(),
                    user_id=chat.user_id,
                    conversation_id=chat.id,
                    role=role,
                    content="好",
                    model_id=model if role == "assistant" else None,
                    token_count=tokens,
                    character_count=2 * tokens,
                    created_at=NOW - age,
                    updated_at=NOW - age,
                )
            )
    session.flush()
    service.rebuild(session)
    return chat.id


AGES = [
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(days=3),
    timedelta(days=20),
    timedelta(days=200),
]


async def test_an_empty_archive_has_gaps_and_nothing_else(client: Client) -> None:
    for time_range, points in (("day", 24), ("week", 7), ("month", 30), ("year", 12), ("all", 1)):
        data = await counted(client, f"timeRange={time_range}")
        assert set(data["overview"].values()) == {0}
        assert (data["models"], data["groups"]) == ([], [])
        assert len(data["trend"]) == points
        nothing = {"conversations": 0, "messages": 0, "tokens": 0}
        assert all(point == nothing | {"date": point["date"]} for point in data["trend"])
        assert len({point["date"] for point in data["trend"]}) == points


@pytest.mark.parametrize(
    ("time_range", "times"), [("day", 1), ("week", 3), ("month", 4), ("year", 5), ("all", 5)]
)
async def test_what_lies_in_the_time_is_summed(client: Client, time_range: str, times: int) -> None:
    await client.app.state.database.write(add, *AGES)
    data = await counted(client, f"time_range={time_range}&{KATHMANDU}")
    assert data["overview"] == {
        "conversation_count": int(times == 5),
        "message_count": 2 * times,
        "user_message_count": times,
        "assistant_message_count": times,
        "token_count": 10 * times,
        "character_count": 20 * times,
    }
    for name, total in (("messages", 2 * times), ("tokens", 10 * times), ("conversations", int(times == 5))):
        assert sum(point[name] for point in data["trend"]) == total
    assert data["models"] == [{"model_id": "m", "messages": times, "tokens": 7 * times}]


async def test_the_zone_decides_what_day_it_is(client: Client) -> None:
    await client.app.state.database.write(add, AGES[0], AGES[1])
    here = {p["date"]: p["messages"] for p in (await counted(client, KATHMANDU))["trend"] if p["messages"]}
    assert here == {"2026-02-01": 2, "2026-01-31": 2}
    utc = {p["date"]: p["messages"] for p in (await counted(client))["trend"] if p["messages"]}
    assert utc == {"2026-01-31": 4}
    await client.app.state.database.write(_decide, "Asia/Kathmandu")
    assert (await counted(client))["trend"][-1]["date"] == "2026-02-01"


async def test_a_stored_zone_that_is_none_counts_as_utc(client: Client) -> None:
    await client.app.state.database.write(_decide, "Mars/Olympus")
    assert (await counted(client))["trend"][-1]["date"] == "2026-01-31"


def _decide(session: Session, zone: str) -> None:
    session.add(UserSettings(user_id=LOCAL_USER_ID, timezone=zone, updated_at=NOW))


async def test_groups_are_told_apart(client: Client) -> None:
    group = (await client.post("/chat/groups", {"name": "学习"})).data["id"]
    await client.app.state.database.write(add, AGES[0])
    await client.app.state.database.write(add, AGES[0], AGES[1], group_id=group, model="n")
    mine = {"group_id": group, "name": "学习", "conversations": 1, "messages": 4, "tokens": 20}
    other = {"group_id": 1, "name": "默认分组", "conversations": 1, "messages": 2, "tokens": 10}
    assert (await counted(client))["groups"] == [mine, other]
    data = await counted(client, f"groupId={group}")
    assert data["groups"] == [mine]
    assert data["models"] == [{"model_id": "n", "messages": 2, "tokens": 14}]
    assert data["overview"]["message_count"] == 4


async def test_what_is_deleted_or_somebody_elses_does_not_count(client: Client) -> None:
    stranger = await client.app.state.database.write(add_stranger)
    await client.app.state.database.write(_touch, stranger.chat_row)
    gone = await client.app.state.database.write(add, AGES[0])
    await client.delete(f"/chat/conversations/{gone}")
    cleared = await client.app.state.database.write(add, AGES[0])
    await client.delete(f"/chat/conversations/{cleared}/messages")
    for time_range in ("week", "all"):
        overview = (await counted(client, f"timeRange={time_range}"))["overview"]
        assert (overview["conversation_count"], overview["message_count"]) == (1, 0)


def _touch(session: Session, chat_row: int) -> None:
    session.get_one(Conversation, chat_row).created_at = NOW
    session.flush()
    service.rebuild(session)


@pytest.mark.parametrize(("query", "points"), [("week&by=hour", 168), ("year&by=day", 338)])
async def test_a_time_is_cut_finer_where_asked(client: Client, query: str, points: int) -> None:
    await client.app.state.database.write(add, *AGES)
    # In Kathmandu it is 1 February: the year begins with March, 337 days before.
    data = await counted(client, f"time_range={query}&{KATHMANDU}")
    assert (len(data["trend"]), data["trend"][-1]["date"][:10]) == (points, "2026-02-01")
    usual = await counted(client, f"time_range={query[:4]}&{KATHMANDU}")
    assert {**data, "trend": None} == {**usual, "trend": None}
    assert sum(point["tokens"] for point in data["trend"]) == data["overview"]["token_count"]


async def test_days_that_are_named_are_summed(client: Client) -> None:
    """In Kathmandu it is 1 February, and what happened ten minutes ago happened on 31 January."""
    await client.app.state.database.write(add, *AGES)
    for days, times in (
        ("startDate=2026-02-01&endDate=2026-02-01", 1),
        ("start_date=2026-01-31&end_date=2026-01-31", 1),
        ("startDate=2026-01-20&endDate=2026-01-31", 2),
        ("startDate=2025-06-15&endDate=2026-02-01&timeRange=day", 5),
        ("startDate=2026-01-12&endDate=2026-01-31&by=month", 3),
        ("startDate=1972-01-01&endDate=9998-12-31", 5),
        # To today, which is 1 February there; and that day alone.
        ("startDate=2026-01-31", 2),
        ("endDate=2026-01-31", 1),
    ):
        data = await counted(client, f"{days}&{KATHMANDU}")
        assert data["overview"]["user_message_count"] == times, days
        assert sum(point["messages"] for point in data["trend"]) == 2 * times
        used = (await client.get(f"/chat/models/stats?{days.partition('&by')[0]}&{KATHMANDU}")).status
        assert used == 200
    one = await counted(client, f"startDate=2026-01-31&endDate=2026-01-31&{KATHMANDU}")
    assert len(one["trend"]) == 24


@pytest.mark.parametrize(
    "query",
    [
        "startDate=2026-02-02&endDate=2026-02-01",
        "startDate=1971-12-31&endDate=2026-02-01",
        "startDate=2026-02-01&endDate=9999-01-01",
        "startDate=2026-02-30&endDate=2026-03-01",
        "startDate=2026-01-01&endDate=2026-01-31&by=hour",
    ],
)
async def test_days_that_make_no_time_are_refused(client: Client, query: str) -> None:
    assert (await client.get(f"/chat/statistics?{query}")).status == 422


@pytest.mark.parametrize("query", ["timeRange=month&by=hour", "timeRange=all&by=day", "by=minute"])
async def test_what_would_be_too_many_points_is_refused(client: Client, query: str) -> None:
    assert (await client.get(f"/chat/statistics?{query}")).status == 422


@pytest.mark.parametrize("query", ["timeRange=decade", "tz=Mars/Olympus", "tz=../etc/passwd", "groupId=x"])
async def test_bad_input_is_refused(client: Client, query: str) -> None:
    assert (await client.get(f"/chat/statistics?{query}")).status == 422


async def test_clocks_that_run_ahead_count_in_everything(client: Client) -> None:
    await client.app.state.database.write(add, timedelta(days=-400))
    data = await counted(client, "timeRange=all")
    assert data["overview"]["message_count"] == data["trend"][-1]["messages"] == 2
