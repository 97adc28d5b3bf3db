"""The machine's clock is put forward or back in the middle of a reply: only dates are by it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from duihua.core import clock
from tests.fixtures.client import Client, text_of
from tests.generation.abandoned import recovery_of
from tests.generation.asking import asked, until

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
# The last second of 32 bits, and the hours that London has twice, or not at all.
_MOMENTS = {
    "2038": datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
    "summer begins": datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
    "summer ends": datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC),
    "a leap day": datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC),
}
Jump = Callable[[timedelta], None]


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Jump:
    """`jump(distance)`: the machine's clock is wrong by that."""

    def put(distance: timedelta) -> None:
        class Wrong(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + distance

        monkeypatch.setattr(clock, "datetime", Wrong)

    return put


@pytest.mark.parametrize("distance", [_DAY, -_DAY, -_HOUR], ids=str)
async def test_order_and_durations_are_not_the_clocks(
    client: Client, jump: Jump, distance: timedelta
) -> None:
    chat_id = (await client.conversation())["uuid"]
    body = asked(chat_id, "一", tokens=6, rate=10)
    async with client.open_stream("/chat/messages/stream", body) as opened:
        seen = await until(opened, "assistant_start")
        jump(distance)
        # Whoever looks for abandoned runs with such a clock finds none.
        assert await recovery_of(client).recover() == 0
        seen += [event async for event in opened]
    assert [event.id for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].data["type"] == "complete"
    await client.say(chat_id, "二")
    jump(timedelta())
    await client.say(chat_id, "三")
    messages = await client.messages(chat_id)
    assert [message["content"] for message in messages[::2]] == ["一", "二", "三"]
    assert messages[1]["content"] == text_of(seen)
    for reply in messages[1::2]:
        assert 0 <= reply["first_token_ms"] <= reply["duration_ms"] < 60_000


@pytest.mark.parametrize("moment", _MOMENTS.values(), ids=_MOMENTS)
async def test_odd_hours_pass_like_others(client: Client, jump: Jump, moment: datetime) -> None:
    jump(moment - datetime.now(UTC))
    chat_id = (await client.conversation())["uuid"]
    reply = (await client.say(chat_id, "零点前后", config={"offline": {"tokens": 15, "rate": 10}}))["reply"]
    assert reply["created_at"].startswith(moment.strftime("%Y-%m-%dT"))
    assert reply["created_at"] < reply["updated_at"]
    assert reply["created_at"].endswith("+00:00")
    assert 1_000 < reply["duration_ms"] < 60_000
    told = (await client.get("/chat/statistics?time_range=week&timezone=Europe/London")).data
    assert told["overview"]["message_count"] == 2, told
