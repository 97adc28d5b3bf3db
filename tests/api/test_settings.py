"""`/chat/settings`: what a user decides."""

import asyncio
from typing import Any

import pytest

from duihua.db.session import Session
from duihua.models import UserSettings
from duihua.models.user import LOCAL_USER_ID
from tests.fixtures.client import Client
from tests.fixtures.rows import MOMENT

UNDECIDED = {
    "preferences": {},
    "default_config": {},
    "auto_save": True,
    "theme": "system",
    "language": "auto",
    "default_model_id": None,
    "timezone": "UTC",
}
DECIDED = {
    "preferences": {"sidebar": {"width": 240}, "字号": "大"},
    "default_config": {"temperature": 0.3, "vendor_option": [1, None]},
    "auto_save": False,
    "theme": "dark",
    "language": "en",
    "default_model_id": "some-model",
    "timezone": "Asia/Shanghai",
}


async def test_nothing_is_decided_until_somebody_does(client: Client) -> None:
    assert (await client.get("/chat/settings")).data == UNDECIDED
    assert (await client.put("/chat/settings", {})).data == UNDECIDED
    assert (await client.put("/chat/settings", DECIDED)).data == DECIDED
    assert (await client.get("/chat/settings")).data == DECIDED


async def test_a_change_leaves_what_it_does_not_name_and_null_goes_back(client: Client) -> None:
    await client.put("/chat/settings", DECIDED)
    for field, value in DECIDED.items():
        assert (await client.put("/chat/settings", {field: None})).data == DECIDED | {field: UNDECIDED[field]}
        assert (await client.put("/chat/settings", {field: value})).data == DECIDED
    assert (await client.put("/chat/settings", {"tz": "Europe/Paris"})).data["timezone"] == "Europe/Paris"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"theme": "pink"}, {"language": "fr"}, {"auto_save": "yes"}, {"preferences": []}),
        *({"default_config": {"temperature": 9}}, {"default_model_id": ""}, {"default_model_id": "m" * 256}),
        *({"timezone": zone} for zone in ("Mars/Olympus", "", "../UTC", "America", "utc", "+08:00")),
    ],
)
async def test_what_makes_no_sense_changes_nothing(client: Client, wrong: dict[str, Any]) -> None:
    answer = await client.put("/chat/settings", {"theme": "dark"} | wrong)
    assert answer.status == 422
    [[_, name, *_]] = [problem["loc"] for problem in answer.body["detail"]]
    assert name in wrong
    assert (await client.get("/chat/settings")).data == UNDECIDED


async def test_new_conversations_take_what_they_do_not_say_themselves(client: Client) -> None:
    await client.put("/chat/settings", {"default_config": {"temperature": 0.3}, "default_model_id": "m"})
    for said, model, config in [
        ({}, "m", {"temperature": 0.3}),
        ({"model_id": "other"}, "other", {"temperature": 0.3}),
        ({"model_id": None, "config": None}, None, {}),
        ({"config": {"max_tokens": 7}}, "m", {"temperature": 0.3, "max_tokens": 7}),
        ({"config": {"temperature": 1}}, "m", {"temperature": 1}),
        ({"config": {"temperature": None}}, "m", {"temperature": None}),
    ]:
        made = await client.conversation(**said)
        assert (made["model_id"], made["config"]) == (model, config), said
    await client.put("/chat/settings", {"default_config": None})
    assert (await client.get(f"/chat/conversations/{made['uuid']}")).data["config"] == {"temperature": None}


async def test_first_decisions_at_the_same_time_are_all_kept(client: Client) -> None:
    await asyncio.gather(*(client.put("/chat/settings", {name: value}) for name, value in DECIDED.items()))
    assert (await client.get("/chat/settings")).data == DECIDED


async def test_what_an_older_row_holds_is_read_as_far_as_it_makes_sense(client: Client) -> None:
    def add(session: Session) -> None:
        row = UserSettings(user_id=LOCAL_USER_ID, theme="blue", language="fr", updated_at=MOMENT)
        row.preferences, row.default_config = ["a"], "b"  # type: ignore[assignment]  # older rows hold any JSON
        session.add(row)

    await client.app.state.database.write(add)
    assert (await client.get("/chat/settings")).data == UNDECIDED
    assert (await client.conversation())["config"] == {}
