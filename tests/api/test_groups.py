"""`/chat/groups`: drawers for conversations, one of which always exists."""

import asyncio
from typing import Any

import pytest

from tests.fixtures.client import Client

FIELDS = {
    *("id", "name", "description", "color", "sort", "is_default", "status", "conversation_count"),
    *("created_at", "updated_at"),
}


async def groups(client: Client, query: str = "") -> list[dict[str, Any]]:
    return (await client.get(f"/chat/groups{query}")).data


async def new_group(client: Client, name: str = "工作", **fields: Any) -> dict[str, Any]:
    return (await client.post("/chat/groups", {"name": name} | fields)).data


async def test_the_default_group_always_exists(client: Client) -> None:
    [default] = await groups(client)
    assert default.keys() == FIELDS | {"conversations"}
    assert default["name"] == "默认分组"
    assert default["is_default"] == 1
    assert default["conversations"] == []


async def test_many_first_requests_at_once_make_one_default_group(client: Client) -> None:
    chats = [client.conversation() for _ in range(10)]
    lists = [groups(client) for _ in range(10)]
    await asyncio.gather(*chats, *lists)
    [default] = await groups(client)
    assert default["conversation_count"] == 10


async def test_a_new_group_has_what_it_was_given(client: Client) -> None:
    wanted = {"name": "工作", "description": "日常", "color": "#409EFF", "sort": 3}
    made = await new_group(client, **wanted)
    assert made.keys() == FIELDS
    assert made | wanted == made
    assert (made["is_default"], made["status"], made["conversation_count"]) == (0, "active", 0)
    assert made["created_at"] == made["updated_at"]
    default, listed = await groups(client, "?includeChats=false")
    assert default["is_default"]
    assert listed == made


async def test_a_new_group_needs_only_a_name(client: Client) -> None:
    made = await new_group(client, "a")
    assert (made["description"], made["color"], made["sort"]) == (None, None, 0)


async def test_groups_come_by_sort_then_age(client: Client) -> None:
    for name, sort in [("c", 1), ("a", 5), ("b", 1), ("z", -1)]:
        await new_group(client, name, sort=sort)
    assert [group["name"] for group in await groups(client)] == ["z", "默认分组", "c", "b", "a"]


async def test_a_group_comes_with_its_newest_hundred_conversations(client: Client) -> None:
    work = await new_group(client)
    made = [await client.conversation(title=f"{n}", group_id=work["id"]) for n in range(102)]
    await client.conversation(title="elsewhere")
    default, shown = await groups(client)
    assert [chat["title"] for chat in default["conversations"]] == ["elsewhere"]
    assert shown["conversation_count"] == 102
    assert shown["conversations"] == made[:1:-1]


async def test_conversations_can_be_left_out(client: Client) -> None:
    await client.conversation()
    [default] = await groups(client, "?includeChats=false")
    assert default.keys() == FIELDS
    assert default["conversation_count"] == 1


async def test_archived_and_deleted_conversations_are_not_in_their_group(client: Client) -> None:
    kept, archived, deleted = [await client.conversation() for _ in range(3)]
    await client.put(f"/chat/conversations/{archived['uuid']}", {"status": "archived"})
    await client.delete(f"/chat/conversations/{deleted['uuid']}")
    [default] = await groups(client)
    assert [chat["uuid"] for chat in default["conversations"]] == [kept["uuid"]]
    assert default["conversation_count"] == 1


async def test_what_is_not_named_stays_and_null_clears(client: Client) -> None:
    made = await new_group(client, description="日常", color="#fff", sort=3)
    path = f"/chat/groups/{made['id']}"
    renamed = (await client.put(path, {"name": "生活"})).data
    assert renamed == made | {"name": "生活", "updated_at": renamed["updated_at"]}
    assert renamed["updated_at"] > made["updated_at"]
    cleared = (await client.put(path, {"description": None, "color": None, "sort": None})).data
    assert (cleared["description"], cleared["color"], cleared["sort"]) == (None, None, 0)
    assert cleared["name"] == "生活"
    unchanged = (await client.put(path, {})).data
    assert unchanged | {"updated_at": ""} == cleared | {"updated_at": ""}


async def test_the_answer_to_a_change_counts_the_conversations(client: Client) -> None:
    made = await new_group(client)
    await client.conversation(group_id=made["id"])
    assert (await client.put(f"/chat/groups/{made['id']}", {"sort": 1})).data["conversation_count"] == 1


async def test_the_default_group_may_change_but_stays_the_default(client: Client) -> None:
    [default] = await groups(client)
    path = f"/chat/groups/{default['id']}"
    renamed = (await client.put(path, {"name": "收件箱", "color": "#abc"})).data
    assert (renamed["name"], renamed["is_default"]) == ("收件箱", 1)
    assert (await client.put(path, {"name": None})).data["name"] == "默认分组"
    assert (await client.conversation())["group_id"] == default["id"]


async def test_the_default_group_cannot_be_deleted(client: Client) -> None:
    [default] = await groups(client)
    chat = await client.conversation()
    for query in ("", "?deleteChats=true"):
        refusal = await client.delete(f"/chat/groups/{default['id']}{query}")
        assert (refusal.status, refusal.error) == (400, "default_group_undeletable")
    assert (await groups(client))[0]["conversations"] == [chat]


@pytest.mark.parametrize("query", ["", "?deleteChats=false"])
async def test_conversations_of_a_deleted_group_move_to_the_default_one(client: Client, query: str) -> None:
    made = await new_group(client)
    chat = await client.conversation(group_id=made["id"], title="留下")
    archived = await client.conversation(group_id=made["id"])
    await client.put(f"/chat/conversations/{archived['uuid']}", {"status": "archived"})
    gone = await client.delete(f"/chat/groups/{made['id']}{query}")
    assert gone.data is None
    [default] = await groups(client)
    assert default["conversations"] == [chat | {"group_id": default["id"]}]
    moved = (await client.get(f"/chat/conversations/{archived['uuid']}")).data
    assert (moved["group_id"], moved["status"]) == (default["id"], "archived")


async def test_a_group_can_be_deleted_with_its_conversations(client: Client) -> None:
    made = await new_group(client)
    inside = await client.conversation(group_id=made["id"])
    outside = await client.conversation()
    await client.delete(f"/chat/groups/{made['id']}?deleteChats=true")
    assert (await client.get(f"/chat/conversations/{inside['uuid']}")).error == "conversation_not_found"
    [default] = await groups(client)
    assert default["conversations"] == [outside]


async def test_deleting_a_group_with_its_conversations_stops_their_replies(client: Client) -> None:
    made = await new_group(client)
    chat = await client.conversation(group_id=made["id"])
    body = {"chat_id": chat["uuid"], "content": "1", "config": {"offline": {"hang_after": 1}}}
    async with client.open_stream("/chat/messages/stream", body) as stream:
        await client.delete(f"/chat/groups/{made['id']}?deleteChats=true")
        events = [event async for event in stream]
    assert events[-1].data["type"] == "cancelled"


async def test_a_deleted_group_is_gone_everywhere(client: Client) -> None:
    made = await new_group(client)
    chat = await client.conversation()
    path, body = f"/chat/groups/{made['id']}", {"group_id": made["id"]}
    await client.delete(path)
    answers = [
        await client.put(path, {"name": "a"}),
        await client.delete(path),
        await client.post("/chat/conversations", body),
        await client.put(f"/chat/conversations/{chat['uuid']}", body),
        await client.put(f"/chat/conversations/{chat['uuid']}/move", body),
        await client.put(
            "/chat/conversations/batch/move", {"chat_ids": [chat["uuid"]], "target_group_id": made["id"]}
        ),
    ]
    assert [answer.error for answer in answers] == ["group_not_found"] * len(answers)
    assert (await client.get(f"/chat/conversations/{chat['uuid']}")).data == chat
    assert len(await groups(client)) == 1


async def test_no_conversation_is_lost_while_its_group_is_deleted(client: Client) -> None:
    async def fill(group_id: int) -> int:
        answers = [await client.post("/chat/conversations", {"group_id": group_id}) for _ in range(6)]
        return sum(answer.status == 200 for answer in answers)

    made = [await new_group(client) for _ in range(6)]
    filling = asyncio.gather(*(fill(group["id"]) for group in made for _ in range(2)))
    await asyncio.gather(*(client.delete(f"/chat/groups/{group['id']}") for group in made))
    created = sum(await filling)
    [default] = await groups(client)
    assert default["conversation_count"] == len(default["conversations"]) == created


async def test_names_have_up_to_a_hundred_characters(client: Client) -> None:
    for name in ("a", "字" * 100, "👩‍👩‍👧" * 20, "  两边的空格  "):
        assert (await new_group(client, name))["name"] == name
    count = len(await groups(client))
    for bad in ("", " ", "\u200b\u00a0", "字" * 101, 5, None, ["a"]):
        refusal = await client.post("/chat/groups", {"name": bad})
        assert (refusal.error, refusal.body["detail"][0]["loc"]) == ("invalid_input", ["body", "name"])
    assert len(await groups(client)) == count


async def test_colours(client: Client) -> None:
    for color in ("#fff", "#FFF", "#09aF3c"):
        assert (await new_group(client, color=color))["color"] == color
    for bad in ("", "fff", "#ff", "#ffff", "#fffffff", "#ggg", "red", "#fff\n", "#ＦＦＦ", 5):
        refusal = await client.post("/chat/groups", {"name": "a", "color": bad})
        assert (refusal.status, refusal.body["detail"][0]["loc"]) == (422, ["body", "color"]), bad


async def test_the_order_of_groups_fits_32_bits(client: Client) -> None:
    assert (await new_group(client, sort=2**31 - 1))["sort"] == 2**31 - 1
    for sort in (2**31, -(2**31) - 1, "x", 1.5):
        assert (await client.post("/chat/groups", {"name": "a", "sort": sort})).status == 422
