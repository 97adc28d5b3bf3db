"""`/chat/conversations`: make one, change it, move it, clear it, delete it."""

import re
from typing import Any

import pytest

from duihua.db.session import Session
from duihua.models import Conversation, Message
from tests.fixtures.client import Client
from tests.fixtures.rows import add_rows

FIELDS = {
    *("id", "uuid", "title", "description", "group_id", "model_id", "api_key_id", "prompt_id", "config"),
    *("message_count", "last_message", "pinned", "status", "created_at", "updated_at"),
}
A_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
UNKNOWN = "0199aaaa-0000-7000-8000-000000000000"


def path_of(chat: dict[str, Any], rest: str = "") -> str:
    return f"/chat/conversations/{chat['uuid']}{rest}"


async def group_named(client: Client, name: str = "工作") -> int:
    return (await client.post("/chat/groups", {"name": name})).data["id"]


async def test_everything_has_a_default(client: Client) -> None:
    chat = (await client.post("/chat/conversations", {})).data
    assert chat.keys() == FIELDS
    [default] = (await client.get("/chat/groups?includeChats=false")).data
    assert chat == chat | {
        **{"title": "新对话", "description": None, "group_id": default["id"], "model_id": None},
        **{"api_key_id": None, "prompt_id": None, "config": {}, "message_count": 0, "last_message": None},
        **{"pinned": False, "status": "active"},
    }
    assert isinstance(chat["id"], int)
    assert len(chat["uuid"]) == 36
    assert A_MOMENT.fullmatch(chat["created_at"])
    assert chat["created_at"] == chat["updated_at"]


async def test_a_conversation_has_what_it_was_given(client: Client) -> None:
    mine = await client.app.state.database.write(add_rows)
    wanted = {
        **{"title": "旅行 ✈️", "description": "去哪里", "group_id": mine.group, "model_id": "gpt-5-mini"},
        **{"api_key_id": mine.connection, "prompt_id": mine.prompt},
        "config": {"temperature": 0.5, "top_p": 1.0, "max_tokens": 10, "system_prompt": "简短", "x": [1, {}]},
    }
    chat = await client.conversation(**wanted)
    assert chat | wanted == chat
    assert (await client.get(path_of(chat))).data == chat


async def test_ids_may_be_strings(client: Client) -> None:
    group = await group_named(client)
    chat = await client.conversation(group_id=str(group))
    assert chat["group_id"] == group
    assert (await client.put(path_of(chat, "/move"), {"group_id": str(group)})).status == 200


@pytest.mark.parametrize("field", ["group_id", "api_key_id", "prompt_id"])
async def test_what_a_conversation_refers_to_must_exist(client: Client, field: str) -> None:
    code = {"group_id": "group_not_found", "api_key_id": "connection_not_found"}.get(
        field, "prompt_not_found"
    )
    chat = await client.conversation()
    assert (await client.post("/chat/conversations", {field: 999})).error == code
    assert (await client.put(path_of(chat), {field: 999, "title": "x"})).error == code
    assert (await client.get("/chat/conversations/list")).data["list"] == [chat]


async def test_a_conversation_is_named_by_uuid_or_by_id(client: Client) -> None:
    chat = await client.conversation()
    for name in (chat["uuid"], chat["id"], chat["uuid"].upper()):
        assert (await client.get(f"/chat/conversations/{name}")).data == chat
        answer = await client.put(
            "/chat/conversations/batch/move",
            {"chat_ids": [name]} | {"target_group_id": chat["group_id"]},
        )
        assert answer.data == {"moved": 1, "missing": []}
    assert (await client.say(chat["id"]))["reply"]["chat_id"] == chat["uuid"]


async def test_what_is_not_there_is_not_found(client: Client) -> None:
    paths = [f"/chat/conversations/{name}" for name in (UNKNOWN, "999", "0", "undefined", 2**63)]
    for path in paths:
        answers = [
            await client.get(path),
            await client.put(path, {"title": "a"}),
            await client.delete(path),
            await client.get(f"{path}/messages"),
            await client.delete(f"{path}/messages"),
            await client.put(f"{path}/move", {"group_id": 1}),
        ]
        assert [answer.error for answer in answers] == ["conversation_not_found"] * len(answers)


async def test_what_is_not_named_stays(client: Client) -> None:
    chat = await client.conversation(title="a", description="b", model_id="m", config={"top_p": 0.5})
    changed = (await client.put(path_of(chat), {"title": "c"})).data
    assert changed == chat | {"title": "c", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > chat["updated_at"]
    assert (await client.put(path_of(chat), {})).data == changed
    assert (await client.get(path_of(chat))).data == changed


async def test_null_clears(client: Client) -> None:
    mine = await client.app.state.database.write(add_rows)
    given = {"group_id": mine.group, "api_key_id": mine.connection, "prompt_id": mine.prompt}
    chat = await client.conversation(title="a", description="b", model_id="m", config={"top_p": 0.5}, **given)
    await client.put(path_of(chat), {"pinned": True, "status": "archived"})
    nulls = dict.fromkeys(["title", "description", "model_id", "config", "pinned", "status", *given], None)
    cleared = (await client.put(path_of(chat), nulls)).data
    empty = await client.conversation(title=None)
    same = FIELDS - {"id", "uuid", "created_at", "updated_at"}
    assert {name: cleared[name] for name in same} == {name: empty[name] for name in same}


async def test_pinning_archiving_and_moving_are_no_activity(client: Client) -> None:
    chat = await client.conversation()
    group = await group_named(client)
    for change in ({"pinned": True}, {"status": "archived"}, {"group_id": group}):
        changed = (await client.put(path_of(chat), change)).data
        assert changed == chat | change
        chat = changed
    moved = (await client.put(path_of(chat, "/move"), {"group_id": 1})).data
    assert moved == chat | {"group_id": 1}


BAD_FIELDS: list[dict[str, Any]] = [
    *({"title": bad} for bad in ("", " \n", "\u200b", "字" * 256, 5, ["a"])),
    *({"description": bad} for bad in ("字" * 10_001, 5)),
    *({"model_id": bad} for bad in ("", "m" * 256, 5)),
    *({"group_id": bad} for bad in (0, -1, 1.0, True, "a", str(2**63), [1])),
    *({"config": bad} for bad in ([], "x", {"temperature": 3}, {"temperature": "hot"}, {"top_p": -1})),
    *({"config": {"max_tokens": bad}} for bad in (0, 1.5, 2**31)),
    *({"pinned": bad} for bad in (1, "true")),
    *({"status": bad} for bad in ("deleted", "", "gone")),
]


async def test_what_no_field_may_hold_is_refused(client: Client) -> None:
    chat = await client.conversation()
    for body in BAD_FIELDS:
        [field] = body
        refusal = await client.put(path_of(chat), body)
        assert (refusal.status, refusal.body["detail"][0]["loc"][:2]) == (422, ["body", field]), body
        if field not in {"pinned", "status"}:
            assert (await client.post("/chat/conversations", body)).status == 422, body
    assert (await client.get("/chat/conversations/list")).data["list"] == [chat]


async def test_unknown_fields_are_ignored(client: Client) -> None:
    chat = await client.conversation(id=77, uuid=UNKNOWN, user_id=9, message_count=5, created_at="x")
    assert chat["uuid"] != UNKNOWN
    assert chat["message_count"] == 0


async def test_the_longest_texts_are_kept_whole(client: Client) -> None:
    texts = {"title": "𠮷" * 255, "description": "字" * 10_000, "model_id": "m" * 255}
    chat = await client.conversation(**texts)
    assert (await client.get(path_of(chat))).data == chat | texts


async def test_a_deleted_conversation_is_gone_everywhere_but_in_the_database(client: Client) -> None:
    chat, kept = await client.conversation(title="走了"), await client.conversation()
    said = await client.say(chat["uuid"])
    assert (await client.delete(path_of(chat))).data is None
    send = {"chat_id": chat["uuid"], "content": "a"}
    question, reply = said["message_id"], said["reply"]["uuid"]
    for path, body in [
        *(("/chat/messages", send), ("/chat/messages/stream", send)),
        ("/chat/messages/regenerate", {"chat_id": chat["uuid"], "message_id": reply}),
    ]:
        assert (await client.post(path, body)).error == "conversation_not_found"
    gone = [
        await client.get(path_of(chat)),
        await client.put(path_of(chat), {"status": "active"}),
        await client.delete(path_of(chat)),
        await client.get(path_of(chat, "/messages")),
        await client.put(f"/chat/messages/{question}", {"content": "b"}),
        await client.put(f"/chat/messages/{reply}/activate"),
        await client.delete(f"/chat/messages/{reply}"),
        await client.get(f"/chat/messages/stream/{said['task_id']}"),
        await client.post(f"/chat/messages/stream/cancel?task_id={said['task_id']}"),
    ]
    assert {answer.status for answer in gone} == {404}
    listed = (await client.get("/chat/conversations/list?status=all")).data
    assert (listed["list"], listed["total"]) == ([kept], 1)

    def stored(session: Session) -> tuple[str, bool, int]:
        row = session.get_one(Conversation, chat["id"])
        return row.status, row.deleted_at is not None, len(session.query(Message).all())

    assert await client.app.state.database.read(stored) == ("deleted", True, 2)


async def test_several_can_be_deleted_at_once(client: Client) -> None:
    first, second, kept = [await client.conversation() for _ in range(3)]
    ids = [first["uuid"], second["id"], first["id"], UNKNOWN, 999, UNKNOWN]
    report = await client.delete("/chat/conversations/batch", {"ids": ids})
    assert report.data == {"deleted": 2, "missing": [UNKNOWN, "999"]}
    assert (await client.get("/chat/conversations/list")).data["list"] == [kept]
    again = await client.delete("/chat/conversations/batch", {"ids": [first["uuid"]]})
    assert again.data == {"deleted": 0, "missing": [first["uuid"]]}
    assert (await client.delete("/chat/conversations/batch", {"ids": []})).data["deleted"] == 0


async def test_several_can_be_moved_at_once(client: Client) -> None:
    group = await group_named(client)
    first, second, kept = [await client.conversation() for _ in range(3)]
    body = {"chat_ids": [second["uuid"], first["uuid"], UNKNOWN], "target_group_id": group}
    report = await client.put("/chat/conversations/batch/move", body)
    assert report.data == {"moved": 2, "missing": [UNKNOWN]}
    listed = (await client.get(f"/chat/conversations/list?groupId={group}")).data["list"]
    assert listed == [second | {"group_id": group}, first | {"group_id": group}]
    assert (await client.get(path_of(kept))).data == kept


@pytest.mark.parametrize("batch", ["batch", "batch/move", "batch/status"])
async def test_a_batch_has_a_limit(client: Client, batch: str) -> None:
    chat = await client.conversation()
    name, method = ("ids", "DELETE") if batch == "batch" else ("chat_ids", "PUT")
    body = {"target_group_id": chat["group_id"], "status": "archived"}
    full = [chat["uuid"], *(str(number) for number in range(10_000, 10_999))]
    answer = await client.request(method, f"/chat/conversations/{batch}", body | {name: full})
    assert len(answer.data["missing"]) == 999
    refusal = await client.request(method, f"/chat/conversations/{batch}", body | {name: [*full, "1"]})
    assert refusal.body["detail"][0]["loc"] == ["body", name]


async def test_a_conversation_moves_to_another_group(client: Client) -> None:
    group = await group_named(client)
    chat = await client.conversation()
    moved = (await client.put(path_of(chat, "/move"), {"group_id": group})).data
    assert moved == chat | {"group_id": group}
    assert (await client.put(path_of(chat, "/move"), {"group_id": 999})).error == "group_not_found"
    assert (await client.put(path_of(chat, "/move"), {})).status == 422
    assert (await client.get(path_of(chat))).data == moved


async def test_clearing_deletes_all_messages_on_every_branch(client: Client) -> None:
    chat = await client.conversation()
    said = await client.say(chat["uuid"])
    again = {"chat_id": chat["uuid"], "message_id": said["message_id"], "config": {"offline": {"rate": 0}}}
    await client.post("/chat/messages/regenerate", again)
    assert (await client.delete(path_of(chat, "/messages"))).data is None
    cleared = (await client.get(path_of(chat))).data
    assert (cleared["message_count"], cleared["last_message"]) == (0, None)
    assert cleared["updated_at"] > chat["updated_at"]
    assert await client.messages(chat["uuid"]) == []
    for message in (said["message_id"], said["reply"]["uuid"]):
        assert (await client.delete(f"/chat/messages/{message}")).error == "message_not_found"


async def test_a_cleared_conversation_begins_anew(client: Client) -> None:
    chat = await client.conversation()
    await client.say(chat["uuid"], "旧")
    await client.delete(path_of(chat, "/messages"))
    said = await client.say(chat["uuid"], "新")
    question, reply = await client.messages(chat["uuid"])
    assert (question["content"], question["parent_id"]) == ("新", None)
    assert question["version"] == {"index": 1, "count": 1, "uuids": [question["uuid"]]}
    assert reply["parent_id"] == said["message_id"]
    assert (await client.get(path_of(chat))).data["message_count"] == 2


async def test_counts_and_last_message_follow_the_messages(client: Client) -> None:
    chat = await client.conversation()
    long = "很长的一段话。" * 50
    said = await client.say(chat["uuid"], "你好", config={"offline": {"text": long, "rate": 0}})
    after = (await client.get(path_of(chat))).data
    assert after["message_count"] == 2
    assert after["last_message"] == long[: len(after["last_message"])]
    assert 100 <= len(after["last_message"]) < len(long)
    assert after["updated_at"] > chat["updated_at"]
    await client.delete(f"/chat/messages/{said['reply']['uuid']}")
    after = (await client.get(path_of(chat))).data
    assert (after["message_count"], after["last_message"]) == (1, "你好")


async def test_a_reply_that_said_nothing_is_not_the_last_message(client: Client) -> None:
    chat = await client.conversation()
    said = await client.say(chat["uuid"], "你好", config={"offline": {"error": "provider_timeout"}})
    assert said["reply"]["state"] == "failed"
    after = (await client.get(path_of(chat))).data
    assert (after["message_count"], after["last_message"]) == (2, "你好")
