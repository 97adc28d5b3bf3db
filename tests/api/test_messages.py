"""Messages that are there: list them, find a place among them, switch versions, edit, delete."""

import asyncio
from typing import Any

import pytest

from duihua.db.session import Session
from duihua.models import Message, MessageRevision
from tests.fixtures.client import Client, Reply

FIELDS = {
    *("id", "uuid", "chat_id", "parent_id", "role", "content", "message_type", "message_metadata", "files"),
    *("model_id", "token_count", "character_count", "state", "error", "version", "created_at", "updated_at"),
    # Beyond the contract: what a client shows of a model that thinks, fails or is still at it.
    *("reasoning", "reasoning_ms", "error_message", "retry_at", "finish_reason", "task_id", "last_event_id"),
    *("error_details", "first_token_ms", "duration_ms"),
}
FAST = {"offline": {"text": "好的。", "rate": 0}}
UNKNOWN = "0199aaaa-0000-7000-8000-000000000000"


@pytest.fixture
async def chat(client: Client) -> str:
    """The uuid of a conversation whose replies come at once."""
    return (await client.conversation(config=FAST))["uuid"]


async def talk(client: Client, chat: str, turns: int) -> list[str]:
    """Say 0, 1, 2 …; the uuids of all messages in order."""
    for number in range(turns):
        await client.say(chat, f"{number}")
    return [message["uuid"] for message in await client.messages(chat, "?pageSize=100")]


async def regenerate(client: Client, chat: str, message: str, text: str = "再答。") -> dict[str, Any]:
    config = {"offline": {"text": text, "rate": 0}}
    body = {"chat_id": chat, "message_id": message, "config": config}
    return (await client.post("/chat/messages/regenerate", body)).data["reply"]


async def edit(client: Client, message: str, content: str, **fields: Any) -> Reply:
    return await client.put(f"/chat/messages/{message}", {"content": content} | fields)


async def listing(client: Client, chat: str, query: str = "") -> dict[str, Any]:
    return (await client.get(f"/chat/conversations/{chat}/messages{query}")).data


async def uuids(client: Client, chat: str, query: str = "") -> list[str]:
    return [message["uuid"] for message in (await listing(client, chat, query))["list"]]


async def test_a_question_and_its_reply(client: Client, chat: str) -> None:
    metadata = {"from": "手机", "n": [1, {"a": None}]}
    await client.say(chat, "你好，world", metadata=metadata)
    question, reply = await client.messages(chat)
    assert question.keys() == reply.keys() == FIELDS
    assert question == question | {
        **{"chat_id": chat, "parent_id": None, "role": "user", "content": "你好，world"},
        **{"message_type": "text", "message_metadata": metadata, "files": [], "model_id": None},
        **{"character_count": 8, "state": "complete", "error": None, "task_id": None},
        "version": {"index": 1, "count": 1, "uuids": [question["uuid"]]},
    }
    assert reply == reply | {
        **{"chat_id": chat, "parent_id": question["uuid"], "role": "assistant", "content": "好的。"},
        **{"message_type": "text", "message_metadata": None, "model_id": "offline", "character_count": 3},
        **{"token_count": 3, "state": "complete", "error": None, "finish_reason": "stop"},
        "version": {"index": 1, "count": 1, "uuids": [reply["uuid"]]},
    }
    assert question["token_count"] > 0
    assert question["id"] < reply["id"]


async def test_fifty_to_a_page_oldest_first(client: Client, chat: str) -> None:
    assert await listing(client, chat) == {
        **{"list": [], "total": 0, "pageNum": 1, "pageSize": 50, "next_cursor": None}
    }
    order = await talk(client, chat, 26)
    first, second = await listing(client, chat), await listing(client, chat, "?pageNum=2")
    assert (len(first["list"]), first["total"], first["pageSize"]) == (50, 52, 50)
    assert first["next_cursor"]
    assert second["next_cursor"] is None
    assert [message["uuid"] for message in first["list"] + second["list"]] == order
    contents = [message["content"] for message in first["list"][::2]]
    assert contents == [f"{number}" for number in range(25)]


async def test_cursors_partition_the_branch_while_it_grows(client: Client, chat: str) -> None:
    order = await talk(client, chat, 4)
    for size in (1, 3, 8):
        found, data = [], {"next_cursor": ""}
        while data["next_cursor"] is not None:
            data = await listing(client, chat, f"?pageSize={size}&cursor={data['next_cursor']}")
            found += [message["uuid"] for message in data["list"]]
        assert found == order
    cursor = (await listing(client, chat, "?pageSize=6"))["next_cursor"]
    order += (await talk(client, chat, 1))[-2:]
    await client.delete(f"/chat/messages/{order[2]}")
    assert await uuids(client, chat, f"?pageSize=6&cursor={cursor}") == order[6:]


async def test_before_after_and_around_a_message(client: Client, chat: str) -> None:
    order = await talk(client, chat, 5)
    places = {
        **{f"before={order[4]}&pageSize=2": order[2:4], f"before={order[4]}": order[:4]},
        **{f"before={order[0]}": [], f"after={order[-1]}": []},
        **{f"after={order[4]}&pageSize=2": order[5:7], f"after={order[4]}": order[5:]},
        **{f"around={order[5]}&pageSize=3": order[4:7], f"around={order[5]}&pageSize=1": order[5:6]},
        **{f"around={order[0]}&pageSize=4": order[:4], f"around={order[5]}": order},
    }
    for query, expected in places.items():
        assert await uuids(client, chat, f"?{query}") == expected, query
        assert (await listing(client, chat, f"?{query}"))["total"] == 10
    middle = (await listing(client, chat, f"?around={order[9]}&pageSize=4"))["list"]
    assert order[9] in [message["uuid"] for message in middle]


async def test_a_place_can_be_followed_on_by_its_cursor(client: Client, chat: str) -> None:
    order = await talk(client, chat, 4)
    for query, rest in [
        *((f"after={order[0]}&pageSize=3", order[4:]), (f"around={order[2]}&pageSize=3", order[4:])),
        (f"before={order[4]}&pageSize=2", order[4:]),
    ]:
        cursor = (await listing(client, chat, f"?{query}"))["next_cursor"]
        assert await uuids(client, chat, f"?cursor={cursor}") == rest
    assert (await listing(client, chat, f"?after={order[4]}"))["next_cursor"] is None


async def test_only_one_place_at_a_time(client: Client, chat: str) -> None:
    order = await talk(client, chat, 1)
    refusal = await client.get(f"/chat/conversations/{chat}/messages?before={order[1]}&after={order[0]}")
    assert refusal.error == "invalid_input"
    for name in ("before", "after", "around"):
        path = f"/chat/conversations/{chat}/messages?{name}="
        assert (await client.get(path + UNKNOWN)).error == "message_not_found"
        assert (await client.get(f"{path}!")).error == "invalid_input"
    other = (await client.conversation())["uuid"]
    strange = await client.get(f"/chat/conversations/{other}/messages?around={order[0]}")
    assert strange.error == "message_not_found"


async def test_messages_of_one_type(client: Client, chat: str) -> None:
    await client.say(chat, "看图", message_type="image")
    await client.say(chat, "读一读", type="file")
    pictures = await listing(client, chat, "?messageType=image")
    assert [message["content"] for message in pictures["list"]] == ["看图"]
    assert pictures["total"] == 1
    assert (await listing(client, chat, "?messageType=text"))["total"] == 2
    assert (await client.get(f"/chat/conversations/{chat}/messages?messageType=audio")).status == 422


async def test_the_type_counts_also_beside_a_message(client: Client, chat: str) -> None:
    for kind in ("text", "image", "text", "image"):
        await client.say(chat, kind, message_type=kind)
    order = await uuids(client, chat)
    for query, expected in [
        *((f"before={order[6]}", [order[2]]), (f"after={order[2]}", [order[6]])),
        (f"around={order[2]}", [order[2], order[6]]),
    ]:
        found = await listing(client, chat, f"?messageType=image&{query}")
        assert [message["uuid"] for message in found["list"]] == expected
        assert found["total"] == 2


async def test_versions_lie_beside_each_other(client: Client, chat: str) -> None:
    question, first = await talk(client, chat, 1)
    second = await regenerate(client, chat, first)
    third = await regenerate(client, chat, question, "三")
    versions = [first, second["uuid"], third["uuid"]]
    assert second["version"] == {"index": 2, "count": 2, "uuids": versions[:2]}
    assert third["version"] == {"index": 3, "count": 3, "uuids": versions}
    assert third["parent_id"] == question
    assert await uuids(client, chat) == [question, third["uuid"]]


async def test_a_version_can_be_made_the_active_one(client: Client, chat: str) -> None:
    question, first = await talk(client, chat, 1)
    below = (await talk(client, chat, 1))[2:]
    second = await regenerate(client, chat, first)
    shown = await client.put(f"/chat/messages/{first}/activate")
    assert shown.data["uuid"] == first
    assert shown.data["version"] == {"index": 1, "count": 2, "uuids": [first, second["uuid"]]}
    assert await uuids(client, chat) == [question, first, *below]
    summary = (await client.get(f"/chat/conversations/{chat}")).data
    assert (summary["message_count"], summary["last_message"]) == (4, "好的。")
    await client.put(f"/chat/messages/{second['uuid']}/activate")
    summary = (await client.get(f"/chat/conversations/{chat}")).data
    assert (summary["message_count"], summary["last_message"]) == (2, "再答。")
    again = await client.put(f"/chat/messages/{second['uuid']}/activate")
    assert again.data["version"]["index"] == 2
    assert await uuids(client, chat) == [question, second["uuid"]]


async def test_an_edit_in_place_keeps_the_earlier_texts(client: Client, chat: str) -> None:
    question, reply = await talk(client, chat, 1)
    before = (await client.messages(chat))[1]
    await edit(client, question, "第二稿")
    await edit(client, question, "第三稿，更长一些")
    edited = (await edit(client, reply, "改过的回答")).data
    assert edited == before | {
        **{"content": "改过的回答", "character_count": 5, "token_count": 5},
        "updated_at": edited["updated_at"],
    }
    assert edited["updated_at"] > before["updated_at"]
    first, second = await client.messages(chat)
    assert (first["content"], first["character_count"]) == ("第三稿，更长一些", 8)
    assert second == edited
    assert (await client.get(f"/chat/conversations/{chat}")).data["last_message"] == "改过的回答"

    def revisions(session: Session) -> list[str]:
        return [row.content for row in session.query(MessageRevision).order_by(MessageRevision.id)]

    assert await client.app.state.database.read(revisions) == ["0", "第二稿", "好的。"]


async def test_an_edit_to_the_same_text_changes_nothing(client: Client, chat: str) -> None:
    question, _ = await talk(client, chat, 1)
    before = (await client.messages(chat))[0]
    assert (await edit(client, question, "0")).data == before
    count = await client.app.state.database.read(lambda session: session.query(MessageRevision).count())
    assert count == 0


async def test_an_edit_needs_a_text_of_a_message(client: Client, chat: str) -> None:
    question, _ = await talk(client, chat, 1)
    for body in ({}, {"content": None}, {"content": ""}, {"content": " \u200b"}, {"content": 1}):
        assert (await client.put(f"/chat/messages/{question}", body)).status == 422
    assert (await edit(client, UNKNOWN, "a")).error == "message_not_found"
    assert (await client.messages(chat))[0]["content"] == "0"


async def test_an_edited_question_can_be_answered_anew(client: Client, chat: str) -> None:
    question, reply = await talk(client, chat, 1)
    below = (await talk(client, chat, 1))[2:]
    branched = (await edit(client, question, "换个问法", branch=True)).data
    new, answer = await client.messages(chat)
    assert (branched["message_id"], branched["reply"]) == (new["uuid"], answer)
    assert new["content"] == branched["content"] == "换个问法"
    assert new["version"] == {"index": 2, "count": 2, "uuids": [question, new["uuid"]]}
    assert answer["version"]["count"] == 1
    await client.put(f"/chat/messages/{question}/activate")
    assert await uuids(client, chat) == [question, reply, *below]


async def test_a_branch_keeps_what_the_question_carried(client: Client, chat: str) -> None:
    said = await client.say(chat, "看图", message_type="image", metadata={"a": 1})
    await edit(client, said["message_id"], "看仔细", branch=True)
    new = (await client.messages(chat))[0]
    assert (new["message_type"], new["message_metadata"]) == ("image", {"a": 1})


async def test_only_a_question_branches(client: Client, chat: str) -> None:
    _, reply = await talk(client, chat, 1)
    refusal = await edit(client, reply, "我说", branch=True)
    assert (refusal.status, refusal.error) == (409, "nothing_to_answer")
    assert len(await client.messages(chat)) == 2


async def test_a_branch_can_be_streamed(client: Client, chat: str) -> None:
    question, _ = await talk(client, chat, 1)
    body = {"content": "换", "branch": True, "stream": True}
    path = f"{client.origin}/chat/messages/{question}"
    async with client.session.put(path, json=body) as response:
        assert response.content_type == "text/event-stream"
        assert response.headers["X-Task-ID"]
        assert b'"type":"complete"' in await response.read()


async def test_a_deleted_message_leaves_the_others_in_order(client: Client, chat: str) -> None:
    order = await talk(client, chat, 3)
    assert (await client.delete(f"/chat/messages/{order[2]}")).data is None
    left = [*order[:2], *order[3:]]
    messages = await client.messages(chat)
    assert [message["uuid"] for message in messages] == left
    assert messages[2]["parent_id"] == order[1]
    assert (await listing(client, chat))["total"] == 5
    assert (await client.get(f"/chat/conversations/{chat}")).data["message_count"] == 5
    for place in ("before", "after", "around"):
        gone = await client.get(f"/chat/conversations/{chat}/messages?{place}={order[2]}")
        assert gone.error == "message_not_found"
    for answer in (
        await client.delete(f"/chat/messages/{order[2]}"),
        await edit(client, order[2], "a"),
        await client.put(f"/chat/messages/{order[2]}/activate"),
        await client.post(
            "/chat/messages", {"chat_id": chat, "content": "a", "parent_id": order[2], "config": FAST}
        ),
        await client.post("/chat/messages/regenerate", {"chat_id": chat, "message_id": order[2]}),
    ):
        assert answer.error == "message_not_found"
    assert await uuids(client, chat) == left
    stored = await client.app.state.database.read(
        lambda session: session.query(Message).filter_by(uuid=order[2]).one().content
    )
    assert stored == "1"


async def test_a_deleted_message_comes_back_where_it_stood(client: Client, chat: str) -> None:
    order = await talk(client, chat, 2)
    await client.delete(f"/chat/messages/{order[1]}")
    for _ in range(2):
        back = (await client.put(f"/chat/messages/{order[1]}/restore")).data
        assert (back["uuid"], back["parent_id"]) == (order[1], order[0])
        assert await uuids(client, chat) == order
    wanted = {"chat_id": chat, "message_id": order[3], "config": FAST}
    await client.post("/chat/messages/regenerate", wanted)
    second = (await client.messages(chat))[3]
    await client.delete(f"/chat/messages/{second['uuid']}")
    assert await uuids(client, chat) == order
    await client.put(f"/chat/messages/{second['uuid']}/restore")
    assert await uuids(client, chat) == [*order[:3], second["uuid"]]
    assert (await client.get(f"/chat/conversations/{chat}")).data["message_count"] == 4
    await client.delete(f"/chat/conversations/{chat}")
    assert (await client.put(f"/chat/messages/{order[1]}/restore")).error == "message_not_found"


async def test_a_deleted_question_is_not_asked_again(client: Client, chat: str) -> None:
    question, reply = await talk(client, chat, 1)
    await client.delete(f"/chat/messages/{question}")
    refusal = await client.post("/chat/messages/regenerate", {"chat_id": chat, "message_id": reply})
    assert (refusal.status, refusal.error) == (409, "nothing_to_answer")
    assert await uuids(client, chat) == [reply]


async def test_where_the_shown_version_is_deleted_the_one_before_it_is_shown(
    client: Client, chat: str
) -> None:
    question, first = await talk(client, chat, 1)
    second, third = [await regenerate(client, chat, first, text) for text in ("二", "三")]
    await client.delete(f"/chat/messages/{third['uuid']}")
    _, shown = await client.messages(chat)
    assert shown["uuid"] == second["uuid"]
    assert shown["version"] == {"index": 2, "count": 2, "uuids": [first, second["uuid"]]}
    await client.delete(f"/chat/messages/{first}")
    assert await uuids(client, chat) == [question, second["uuid"]]
    await client.delete(f"/chat/messages/{second['uuid']}")
    assert await uuids(client, chat) == [question]
    await client.delete(f"/chat/messages/{question}")
    assert await uuids(client, chat) == []
    assert (await client.get(f"/chat/conversations/{chat}")).data["last_message"] is None


async def test_a_reply_that_is_being_written_is_left_alone(client: Client, chat: str) -> None:
    body = {"chat_id": chat, "content": "1", "config": {"offline": {"tokens": 5, "rate": 0, "hang_after": 2}}}
    async with client.open_stream("/chat/messages/stream", body) as stream:
        async for event in stream:
            if event.data["type"] == "chunk":
                break
        reply = event.data["message_id"]
        refusals = [await edit(client, reply, "a"), await client.delete(f"/chat/messages/{reply}")]
        assert [refusal.error for refusal in refusals] == ["message_streaming"] * 2
        assert {refusal.status for refusal in refusals} == {409}
        shown = (await client.messages(chat))[1]
        assert (shown["state"], shown["task_id"], shown["content"]) == ("streaming", stream.task_id, "1 2")
        assert shown["last_event_id"] == event.id
        await client.post(f"/chat/messages/stream/cancel?task_id={stream.task_id}")
    shown = (await client.messages(chat))[1]
    assert (shown["state"], shown["task_id"], shown["last_event_id"]) == ("cancelled", None, None)
    assert (await edit(client, reply, "自己写完")).data["content"] == "自己写完"


async def test_clearing_stops_a_reply_that_is_being_written(client: Client, chat: str) -> None:
    body = {"chat_id": chat, "content": "1", "config": {"offline": {"hang_after": 1}}}
    async with client.open_stream("/chat/messages/stream", body) as stream:
        await client.delete(f"/chat/conversations/{chat}/messages")
        events = [event async for event in stream]
    assert events[-1].data["type"] == "cancelled"
    summary = (await client.get(f"/chat/conversations/{chat}")).data
    assert (summary["message_count"], summary["last_message"]) == (0, None)


async def test_edits_and_deletions_at_once_leave_true_counts(client: Client, chat: str) -> None:
    order = await talk(client, chat, 4)
    await asyncio.gather(
        *(client.delete(f"/chat/messages/{uuid}") for uuid in order[2:6]),
        *(edit(client, uuid, "改") for uuid in order[:2]),
        *(client.say(chat, "再来") for _ in range(3)),
    )
    summary, shown = (await client.get(f"/chat/conversations/{chat}")).data, await listing(client, chat)
    assert summary["message_count"] == shown["total"] == len(shown["list"]) == 10
    parents = [message["parent_id"] for message in shown["list"]]
    assert parents == [None, *(message["uuid"] for message in shown["list"][:-1])]
    assert summary["last_message"] == shown["list"][-1]["content"]
