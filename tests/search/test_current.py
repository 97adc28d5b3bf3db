"""What is done to a message or a conversation is what search finds, at once; and the index holds no more."""

import json
from typing import Any
from urllib.parse import quote

import aiohttp
from sqlalchemy import select, text

from duihua.core.text import fold
from duihua.db.session import Session
from duihua.models import Conversation, ConversationDocument, Message, MessageDocument
from duihua.search_index.repository import message_facets, place
from duihua.search_index.tokens import tokens
from tests.fixtures.client import Client

ECHO = {"offline": {"text": "答复里有红豆。", "rate": 0}}


async def search(client: Client, keyword: str, query: str = "") -> dict[str, Any]:
    return (await client.get(f"/chat/search?keyword={quote(keyword)}{query}")).data


async def said(client: Client, keyword: str) -> list[str]:
    found = (await search(client, keyword, "&sort=newest"))["messages"]
    await client.app.state.database.write(check_index)
    return [hit["uuid"] for hit in found]


async def named(client: Client, keyword: str) -> list[str]:
    return [hit["uuid"] for hit in (await search(client, keyword))["conversations"]]


def check_index(session: Session) -> None:
    """The index is what a new one would be."""
    rows = session.execute(
        select(Message).join(Conversation).where(Message.status == "active", Conversation.status != "deleted")
    ).scalars()
    wanted = {row.id: (fold(row.content), tokens(fold(row.content) or "")) for row in rows if row.content}
    facts = {
        row.id: set(message_facets(row.role, row.message_type, row.model_id))
        for row in session.scalars(select(Message))
    }
    documents = {row.id: row for row in session.scalars(select(MessageDocument))}
    assert {row_id: row.text for row_id, row in documents.items()} == {
        row_id: folded for row_id, (folded, _) in wanted.items()
    }
    expected = {row_id: its | facts[row_id] for row_id, (_, its) in wanted.items()}
    if session.get_bind().dialect.name == "sqlite":
        assert terms(session, "message") == {
            (place(documents[row_id].user_id, row_id), token)
            for row_id, its in expected.items()
            for token in its
        }
        titles = {
            (place(row.user_id, row.id), token)
            for row in session.scalars(select(ConversationDocument))
            for token in tokens(row.text)
        }
        assert terms(session, "conversation") == titles


def terms(session: Session, kind: str) -> set[tuple[int, str]]:
    """Every token in FTS5's table, and where it is."""
    session.execute(text(f"CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, {kind}_terms, 'instance')"))
    held = {(row.doc, row.term) for row in session.execute(text("SELECT term, doc FROM temp.held"))}
    session.execute(text("DROP TABLE temp.held"))
    return held


async def test_sent_streamed_edited_deleted(client: Client) -> None:
    chat = (await client.conversation(title="茶", config=ECHO))["uuid"]
    await client.stream("/chat/messages/stream", {"chat_id": chat, "content": "绿豆汤怎么做"})
    question, reply = [message["uuid"] for message in await client.messages(chat)]
    assert await said(client, "绿豆") == [question]
    assert await said(client, "红豆") == [reply]
    await client.put(f"/chat/messages/{reply}", {"content": "黑豆"})
    assert await said(client, "红豆") == []
    assert await said(client, "黑豆") == [reply]
    await client.put(f"/chat/messages/{reply}", {"content": "红豆 again"})
    assert (await said(client, "黑豆"), await said(client, "红豆")) == ([], [reply])
    await client.delete(f"/chat/messages/{question}")
    assert await said(client, "绿豆") == []
    await client.put(f"/chat/messages/{question}/restore")
    assert await said(client, "绿豆") == [question]
    await client.delete(f"/chat/conversations/{chat}/messages")
    assert await said(client, "红豆") == []


async def test_what_a_stopped_run_left_is_found(client: Client) -> None:
    chat = (await client.conversation())["uuid"]
    slow = {"chat_id": chat, "content": "说", "config": {"offline": {"text": "芝麻糊" * 500, "rate": 200}}}
    async with client.open_stream("/chat/messages/stream", slow) as stream:
        async for event in stream:
            if event.data["type"] == "chunk":
                assert await said(client, "芝麻") == []
                await client.post(f"/chat/messages/stream/cancel?task_id={stream.task_id}")
                break
        assert [event async for event in stream][-1].data["type"] == "cancelled"
    assert len(await said(client, "芝麻")) == 1


async def test_every_version_is_found_and_tells_its_place(client: Client) -> None:
    chat = (await client.conversation(config=ECHO))["uuid"]
    await client.say(chat, "绿豆", config=ECHO)
    question, reply = await client.messages(chat)
    await client.post("/chat/messages/regenerate", {"chat_id": chat, "message_id": reply["uuid"]})
    hits = (await search(client, "红豆", "&sort=newest"))["messages"]
    assert [hit["on_branch"] for hit in hits] == [True, False]
    old = hits[1]
    assert (old["uuid"], old["chat_id"], old["parent_id"]) == (reply["uuid"], chat, question["uuid"])
    assert (old["depth"], old["role"]) == (1, "assistant")


async def test_deleted_restored_and_purged_conversations(client: Client) -> None:
    first, second = [(await client.conversation(title=title))["uuid"] for title in ("杏仁茶", "杏仁糕")]
    for chat in (first, second):
        await client.say(chat, "花生酱")
    assert (len(await said(client, "花生")), sorted(await named(client, "杏仁"))) == (
        2,
        sorted([first, second]),
    )
    await client.delete(f"/chat/conversations/{first}")
    await client.delete("/chat/conversations/batch", {"ids": [second]})
    assert (await said(client, "花生"), await named(client, "杏仁")) == ([], [])
    await client.post("/chat/trash/restore", {"ids": [first]})
    assert (len(await said(client, "花生")), await named(client, "杏仁")) == (1, [first])
    await client.delete(f"/chat/conversations/{first}")
    await client.delete("/chat/trash", {"all": True})
    assert (await said(client, "花生"), await named(client, "杏仁")) == ([], [])


async def test_titles_descriptions_and_groups(client: Client) -> None:
    group = (await client.post("/chat/groups", {"name": "厨房"})).data["id"]
    chat = (await client.conversation(title="豆浆", description="配油条", group_id=group))["uuid"]
    await client.say(chat, "花生")
    assert (await named(client, "豆浆 油条"), await named(client, "新对话")) == ([chat], [])
    await client.put(f"/chat/conversations/{chat}", {"title": None, "description": "配麻花"})
    assert (await named(client, "豆浆"), await named(client, "麻花 新对话")) == ([], [chat])
    await client.delete(f"/chat/groups/{group}?deleteChats=true")
    assert (await named(client, "麻花"), await said(client, "花生")) == ([], [])


async def test_imported_messages_are_found(client: Client) -> None:
    chat = (await client.conversation(title="导出"))["uuid"]
    await client.say(chat, "花生")
    exported = (await client.post("/chat/export", {"chat_id": chat, "format": "json"})).data
    await client.delete(f"/chat/conversations/{chat}")
    form = aiohttp.FormData()
    form.add_field("file", exported, filename="a.json")
    report = (await client.post("/chat/import", data=form)).data
    assert report["imported"] == 1, json.dumps(report)
    [hit] = (await search(client, "花生"))["messages"]
    assert hit["chat_id"] == report["conversations"][0]["uuid"] != chat
    assert await said(client, "花生") == [hit["uuid"]]
