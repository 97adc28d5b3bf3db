"""A conversation that begins as another one did."""

from typing import Any

import pytest

from tests.api.test_messages import FAST, UNKNOWN, regenerate, talk, uuids
from tests.fixtures.client import Client


@pytest.fixture
async def chat(client: Client) -> str:
    """A conversation with a group, settings and a title of its own."""
    group = (await client.post("/chat/groups", {"name": "研究"})).data["id"]
    own: dict[str, Any] = {"config": FAST, "model_id": "offline", "group_id": group, "description": "关于鹤"}
    return (await client.conversation(title="原来的", **own))["uuid"]


async def fork(client: Client, message: str, **headers: str) -> dict[str, Any]:
    return (await client.post(f"/chat/messages/{message}/fork", {}, headers=headers)).data


async def test_all_that_leads_to_a_message_is_copied_and_nothing_else(client: Client, chat: str) -> None:
    order = await talk(client, chat, 3)
    again = await regenerate(client, chat, order[3])
    before = await client.messages(chat)
    copy = await fork(client, again["uuid"])
    original = (await client.get(f"/chat/conversations/{chat}")).data
    kept = ("group_id", "model_id", "api_key_id", "prompt_id", "config", "description", "status")
    assert {name: copy[name] for name in kept} == {name: original[name] for name in kept}
    assert (copy["title"], copy["message_count"], copy["last_message"]) == ("原来的（分支）", 4, "再答。")
    assert copy == (await client.get(f"/chat/conversations/{copy['uuid']}")).data
    copied = await client.messages(copy["uuid"])
    assert [message["content"] for message in copied] == ["0", "好的。", "1", "再答。"]
    assert [message["parent_id"] for message in copied] == [None, *(each["uuid"] for each in copied[:3])]
    assert all(message["version"]["count"] == 1 for message in copied)
    own = {"id", "uuid", "chat_id", "parent_id", "version"}
    for old, new in zip(before, copied, strict=True):
        assert old["uuid"] != new["uuid"]
        assert {name: old[name] for name in old.keys() - own} == {
            name: new[name] for name in old.keys() - own
        }
    # It goes on by itself, and the first one stays as it was.
    await client.say(copy["uuid"], "接着说")
    assert len(await client.messages(copy["uuid"])) == 6
    assert await client.messages(chat) == before


async def test_a_branch_that_is_not_shown_is_forked_too(client: Client, chat: str) -> None:
    order = await talk(client, chat, 2)
    await regenerate(client, chat, order[1])
    copy = await fork(client, order[2])
    assert [message["content"] for message in await client.messages(copy["uuid"])] == ["0", "好的。", "1"]


async def test_what_is_deleted_is_not_copied(client: Client, chat: str) -> None:
    order = await talk(client, chat, 2)
    await client.delete(f"/chat/messages/{order[1]}")
    copied = await client.messages((await fork(client, order[3]))["uuid"])
    assert [message["content"] for message in copied] == ["0", "1", "好的。"]
    assert [message["parent_id"] for message in copied] == [None, copied[0]["uuid"], copied[1]["uuid"]]
    gone = await client.post(f"/chat/messages/{order[1]}/fork", {})
    assert (gone.status, gone.error) == (404, "message_not_found")
    assert (await client.post(f"/chat/messages/{UNKNOWN}/fork", {})).status == 404


async def test_a_copy_is_found_and_counted(client: Client, chat: str) -> None:
    said = await client.say(chat, "丹顶鹤")
    before = (await client.get("/chat/statistics?timeRange=all")).data
    copy = await fork(client, said["reply"]["uuid"])
    found = (await client.get("/chat/search?keyword=丹顶鹤&type=message")).data
    assert {message["chat_id"] for message in found["messages"]} == {chat, copy["uuid"]}
    after = (await client.get("/chat/statistics?timeRange=all")).data
    assert after["overview"]["message_count"] == 2 * before["overview"]["message_count"] == 4


async def test_a_title_that_nobody_gave_is_left_to_be_given(client: Client) -> None:
    chat = (await client.conversation(config=FAST, title="新对话"))["uuid"]
    message = (await client.say(chat, "叫什么"))["message_id"]
    await client.put(f"/chat/conversations/{chat}", {"title": None})
    assert (await fork(client, message))["title"] == "新对话"
    await client.put(f"/chat/conversations/{chat}", {"title": "x" * 255})
    title = (await fork(client, message, **{"Accept-Language": "en"}))["title"]
    assert title == "x" * 255


async def test_one_key_makes_one_fork(client: Client, chat: str) -> None:
    [question, _] = await talk(client, chat, 1)
    key = {"Idempotency-Key": "0199aaaa-0000-7000-8000-00000000f0f0"}
    assert await fork(client, question, **key) == await fork(client, question, **key)
    assert (await client.get("/chat/conversations/list")).data["total"] == 2


async def test_a_reply_that_is_being_written_is_not_forked(client: Client, chat: str) -> None:
    slow = {"offline": {"tokens": 5000, "rate": 50}}
    body = {"chat_id": chat, "content": "慢慢说", "config": slow}
    async with client.session.post(client.origin + "/chat/messages/stream", json=body) as response:
        async for line in response.content:
            if b"chunk" in line:
                break
        question, reply = await uuids(client, chat)
        refused = await client.post(f"/chat/messages/{reply}/fork", {})
        assert (refused.status, refused.error) == (409, "message_streaming")
        assert (await fork(client, question))["message_count"] == 1
    await client.post("/chat/terminate", {})
