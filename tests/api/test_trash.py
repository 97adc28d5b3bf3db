"""`/chat/trash`: what is deleted comes back as it was, or goes for good."""

from typing import Any

import pytest

from duihua import changes
from duihua.changes import Act
from duihua.db.session import Session
from duihua.models import Conversation, Generation, Message
from duihua.models.user import LOCAL_USER_ID
from duihua.vocabulary import MessageState
from tests.fixtures.client import Client
from tests.fixtures.rows import add_rows, add_stranger, archive


async def trashed(client: Client, query: str = "") -> list[dict[str, Any]]:
    return (await client.get(f"/chat/trash{query}")).data["list"]


async def deleted(client: Client, **fields: Any) -> dict[str, Any]:
    """A conversation of two versions and an edited message, deleted; as it was before."""
    chat = await client.conversation(**fields)
    await client.say(chat["uuid"], "第一句")
    question, reply = await client.messages(chat["uuid"])
    again = {"chat_id": chat["uuid"], "message_id": reply["uuid"], "config": {"offline": {"rate": 0}}}
    await client.post("/chat/messages/regenerate", again)
    await client.put(f"/chat/messages/{question['uuid']}", {"content": "改过"})
    return await again_deleted(client, chat["uuid"])


async def again_deleted(client: Client, uuid: str) -> dict[str, Any]:
    before = (await client.get(f"/chat/conversations/{uuid}")).data
    await client.delete(f"/chat/conversations/{uuid}")
    return before


async def test_the_trash_shows_what_is_deleted_last_first(client: Client) -> None:
    await client.conversation()
    chats = [await again_deleted(client, (await client.conversation())["uuid"]) for _ in range(5)]
    newest_first = [chat["uuid"] for chat in reversed(chats)]
    data = (await client.get("/chat/trash?pageSize=2")).data
    assert (data["total"], data["pageNum"], data["pageSize"]) == (5, 1, 2)
    assert data["list"][0]["status"] == "deleted"
    assert data["list"][0]["deleted_at"] >= chats[-1]["updated_at"]
    shown = data["list"]
    while cursor := data["next_cursor"]:
        data = (await client.get("/chat/trash", params={"pageSize": 2, "cursor": cursor})).data
        shown += data["list"]
    assert [chat["uuid"] for chat in shown] == newest_first
    assert [chat["uuid"] for chat in await trashed(client, "?pageNum=2&pageSize=3")] == newest_first[3:]
    assert (await client.get("/chat/trash?cursor=nonsense")).status == 422


@pytest.mark.parametrize("status", ["active", "archived"])
async def test_a_conversation_comes_back_exactly_as_it_was(client: Client, status: str) -> None:
    group = (await client.post("/chat/groups", {"name": "学习"})).data["id"]
    chat = await client.conversation(group_id=group, title="留着", config={"top_p": 0.5})
    path = f"/chat/conversations/{chat['uuid']}"
    await client.put(path, {"pinned": True, "status": status})
    await client.say(chat["uuid"])
    before = await client.app.state.database.read(archive)
    await client.delete(path)
    answer = await client.post("/chat/trash/restore", {"ids": [chat["uuid"], str(chat["id"])]})
    assert answer.data == {"restored": 1, "missing": []}
    assert await client.app.state.database.read(archive) == before
    assert await trashed(client) == []


async def test_what_lost_its_group_comes_back_into_the_default_one(client: Client) -> None:
    group = (await client.post("/chat/groups", {"name": "学习"})).data["id"]
    archived, active = [await client.conversation(group_id=group) for _ in range(2)]
    await client.put(f"/chat/conversations/{archived['uuid']}", {"status": "archived"})
    await client.delete(f"/chat/groups/{group}?deleteChats=true")
    await client.post("/chat/trash/restore", {"ids": [archived["id"], active["uuid"]]})
    for chat, status in ((archived, "archived"), (active, "active")):
        back = (await client.get(f"/chat/conversations/{chat['uuid']}")).data
        assert back == chat | {"group_id": 1, "status": status}


async def test_what_is_not_in_the_trash_is_missing(client: Client) -> None:
    shown = await client.conversation()
    gone = await again_deleted(client, (await client.conversation())["uuid"])
    stranger = await client.app.state.database.write(add_stranger)
    await client.app.state.database.write(_hide, stranger.chat_row)
    named = [shown["uuid"], gone["uuid"], stranger.chat, str(stranger.chat_row), "999999"]
    missing = [named[0], *named[2:]]
    assert [chat["uuid"] for chat in await trashed(client)] == [gone["uuid"]]
    before = await client.app.state.database.read(archive)
    restored = await client.post("/chat/trash/restore", {"ids": named})
    assert restored.data == {"restored": 1, "missing": missing}
    await client.delete(f"/chat/conversations/{gone['uuid']}")
    purged = await client.delete("/chat/trash", {"ids": named})
    assert purged.data == {"purged": 1, "missing": missing}
    after = await client.app.state.database.read(archive)
    assert [row for row in before["conversations"] if row[1] != gone["uuid"]] == after["conversations"]


def _hide(session: Session, chat_row: int) -> None:
    session.get_one(Conversation, chat_row).status = "deleted"


async def test_a_purge_leaves_no_row_and_touches_no_other(client: Client) -> None:
    kept = await client.app.state.database.write(add_rows)
    before = await client.app.state.database.read(archive)
    chats = [await deleted(client) for _ in range(2)]
    answer = await client.delete("/chat/trash", {"ids": [chats[0]["uuid"], chats[1]["id"]]})
    assert answer.data == {"purged": 2, "missing": []}
    after = await client.app.state.database.read(archive)
    # Recovery may have swept the old journal of the one that was kept.
    assert after.pop("generation_events") in ([], before.pop("generation_events"))
    assert after == before
    assert (await client.get(f"/chat/conversations/{kept.chat}")).status == 200
    again = await client.delete("/chat/trash", {"ids": [chats[0]["uuid"]]})
    assert again.data == {"purged": 0, "missing": [chats[0]["uuid"]]}


async def test_the_trash_is_emptied_at_once(client: Client) -> None:
    stranger = await client.app.state.database.write(add_stranger)
    await client.app.state.database.write(_hide, stranger.chat_row)
    for _ in range(3):
        await deleted(client)
    kept = await client.conversation()
    assert (await client.delete("/chat/trash", {"all": True})).data == {"purged": 3, "missing": []}
    assert await trashed(client) == []
    assert (await client.get("/chat/conversations/list")).data["list"] == [kept]
    assert len((await client.app.state.database.read(archive))["conversations"]) == 2


@pytest.mark.parametrize("body", [{}, {"all": False}, {"ids": [], "all": True}, {"ids": None}, {"all": 1}])
async def test_a_purge_must_say_what(client: Client, body: Any) -> None:
    await deleted(client)
    assert (await client.delete("/chat/trash", body)).status == 422
    assert len(await trashed(client)) == 1


async def test_what_still_runs_is_not_removed(client: Client) -> None:
    own = await client.app.state.database.write(add_rows)
    await client.delete(f"/chat/conversations/{own.chat}")
    await client.app.state.database.write(_set_running, own.task)
    answer = await client.delete("/chat/trash", {"all": True})
    assert (answer.status, answer.error) == (409, "trash_in_use")
    assert len(await trashed(client)) == 1


def _set_running(session: Session, task: str) -> None:
    run = session.query(Generation).filter_by(uuid=task).one()
    run.state = MessageState.STREAMING
    run.lease_expires_at = run.lease_expires_at.replace(year=9000)


async def test_listeners_hear_of_it_while_the_rows_are_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    def listen(session: Session, act: Act, user_id: int, ids: Any) -> None:
        held = session.query(Message).filter(Message.conversation_id.in_(ids)).count()
        heard.append((act, user_id, list(ids), held))

    chat = await deleted(client)
    monkeypatch.setattr(changes, "of_conversations", listen)
    await client.post("/chat/trash/restore", {"ids": [chat["uuid"]]})
    await client.delete(f"/chat/conversations/{chat['uuid']}")
    await client.delete("/chat/trash", {"all": True})
    assert heard == [(act, LOCAL_USER_ID, [chat["id"]], 3) for act in (Act.RESTORED, Act.DELETED, Act.PURGED)]


async def test_a_retried_restore_has_one_effect(client: Client) -> None:
    chat = await deleted(client)
    body = {"ids": [chat["uuid"]]}
    first, again = [
        await client.post("/chat/trash/restore", body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert first.data == again.data == {"restored": 1, "missing": []}
