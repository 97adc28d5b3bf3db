"""Every change of messages, conversations and groups is told to `duihua.changes`, by every route."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from duihua import changes
from duihua.changes import Act, repository
from duihua.db.base import Base
from duihua.db.session import Database, Session
from duihua.models.user import LOCAL_USER_ID
from tests.api.routes import Route, call, routes
from tests.api.test_foreign import my_things
from tests.db.notes import on_sqlite
from tests.fixtures.client import Client
from tests.fixtures.rows import Owned, every_row

TABLES = {"messages": "of_messages", "conversations": "of_conversations", "chat_groups": "of_groups"}
# What belongs to the shape of a conversation, not to the message: an act on the conversation tells of it.
SHAPE = {"on_branch"}
# Routes that must be seen to change something: a test that never sees a change proves nothing.
CHANGING = {
    "POST /chat/groups",
    "PUT /chat/groups/{group_id}",
    "DELETE /chat/groups/{group_id}",
    "POST /chat/conversations",
    "PUT /chat/conversations/{chat_id}",
    "PUT /chat/conversations/{chat_id}/move",
    "PUT /chat/conversations/batch/move",
    "PUT /chat/conversations/batch/status",
    "DELETE /chat/conversations/{chat_id}",
    "DELETE /chat/conversations/{chat_id}/messages",
    "DELETE /chat/conversations/batch",
    "POST /chat/messages",
    "POST /chat/messages/stream",
    "POST /chat/messages/regenerate",
    "PUT /chat/messages/{message_id}",
    "DELETE /chat/messages/{message_id}",
    "POST /chat/messages/{message_id}/fork",
}
Rows = dict[tuple[str, int], dict[str, Any]]


class Told(NamedTuple):
    """One act on one row."""

    table: str
    act: Act
    row_id: int


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Told]]:
    """Everything that the server tells `duihua.changes` from now on."""
    heard: list[Told] = []
    for table, name in TABLES.items():
        real = getattr(changes, name)

        def listen(
            session: Any,
            act: Act,
            user: int,
            ids: Sequence[int],
            *,
            table: str = table,
            real: Any = real,
            **of: Any,
        ) -> None:
            heard.extend(Told(table, act, row_id) for row_id in ids)
            # Of a message it goes without saying that its conversation changes too.
            heard.extend(Told("conversations", Act.CHANGED, row_id) for row_id in of.values())
            real(session, act, user, ids, **of)

        monkeypatch.setattr(changes, name, listen)
    of_new_message = changes.of_new_message

    def listen_to_new(session: Any, conversation: Any, message: Any, task_id: str | None) -> None:
        heard.append(Told("messages", Act.CREATED, message.id))
        heard.append(Told("conversations", Act.CHANGED, conversation.id))
        of_new_message(session, conversation, message, task_id)

    monkeypatch.setattr(changes, "of_new_message", listen_to_new)
    yield heard


def request(route: Route, own: Owned) -> Any:
    """`route` with all of its body that names no object, so that it changes whatever it can."""
    optional = {
        (field.place, field.name): route.sample(field, own)
        for field in route.at("body")
        if route.object_of(field) is None and field.name not in {"stream", "config"}
    }
    # Into another group than the one they are in; another text than the one that is there.
    there = own._replace(group=1) if route.path.endswith("/move") else own
    values = optional | route.least(there)
    return call(route, values | {key: "换一句" for key in values if key == ("body", "content")})


async def rows(db: Database) -> Rows:
    columns = await db.read(every_row_by_name)
    return {
        (table, row["id"]): {name: value for name, value in row.items() if name not in SHAPE}
        for table in TABLES
        for row in columns[table]
    }


def every_row_by_name(session: Session) -> dict[str, list[dict[str, Any]]]:
    found = every_row(session)
    return {
        name: [dict(zip(Base.metadata.tables[name].columns.keys(), row, strict=True)) for row in found[name]]
        for name in TABLES
    }


def acts(before: Rows, after: Rows) -> set[Told]:
    """What happened to the rows, as it should have been told."""
    happened = set()
    for key in before.keys() | after.keys():
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        if was is None:
            act = Act.CREATED
        elif now is None:
            act = Act.PURGED
        elif was["status"] != now["status"] and "deleted" in {was["status"], now["status"]}:
            act = Act.DELETED if now["status"] == "deleted" else Act.RESTORED
        else:
            act = Act.CHANGED
        happened.add(Told(key[0], act, key[1]))
    return happened


# What is told is told before a database is asked.
@on_sqlite
async def test_every_route_tells_what_it_changes(client: Client, told: list[Told]) -> None:
    db: Database = client.app.state.database
    changing, untold = set(), {}
    for route in routes():
        own = await my_things(client)
        before = await rows(db)
        told.clear()
        method, path, body = request(route, own)
        async with client.session.request(method, client.origin + path, json=body) as response:
            await response.read()
        happened = acts(before, await rows(db))
        if happened:
            changing.add(str(route))
        if missing := happened - set(told):
            untold[str(route)] = missing
    assert not untold
    assert changing >= CHANGING


@pytest.mark.parametrize("with_chats", ["true", "false"])
async def test_a_deleted_group_tells_of_its_conversations(
    client: Client, told: list[Told], with_chats: str
) -> None:
    own = await my_things(client)
    told.clear()
    await client.delete(f"/chat/groups/{own.group}?deleteChats={with_chats}")
    act = Act.DELETED if with_chats == "true" else Act.CHANGED
    assert told == [Told("conversations", act, own.chat_row), Told("chat_groups", Act.DELETED, own.group)]


async def test_another_branch_tells_of_its_conversation(client: Client, told: list[Told]) -> None:
    own = await my_things(client)
    body = {"chat_id": own.chat, "message_id": own.reply}
    await client.post("/chat/messages/regenerate", body)
    told.clear()
    await client.put(f"/chat/messages/{own.reply}/activate")
    assert told == [Told("conversations", Act.CHANGED, own.chat_row)]


async def test_a_run_tells_its_beginning_and_its_end(client: Client, told: list[Told]) -> None:
    """However many pieces lie between them: a token costs nothing here."""
    own = await my_things(client)
    told.clear()
    script = {"offline": {"text": "很长的回答。" * 10, "rate": 300}}
    body = {"chat_id": own.chat, "content": "说", "config": script}
    events = await client.stream("/chat/messages/stream", body)
    assert len(events) > 5
    assert [entry.act for entry in told if entry.table == "messages"] == [
        Act.CREATED,
        Act.CREATED,
        Act.CHANGED,
    ]


async def test_what_is_told_of_new_messages_is_what_reading_them_would_tell(client: Client) -> None:
    chat = await client.conversation()
    script = {"offline": {"text": "说到一半", "hang_after": 2, "rate": 0}}
    body = {"chat_id": chat["uuid"], "content": "说", "config": script}
    db: Database = client.app.state.database
    before = (await db.read(repository.newest, [LOCAL_USER_ID]))[LOCAL_USER_ID]
    async with client.open_stream("/chat/messages/stream", body) as stream:
        events = aiter(stream)
        while (await anext(events)).data["type"] != "chunk":
            pass
        told = await db.read(repository.since, LOCAL_USER_ID, before, 10)
        ids = [row["id"] for row in (await db.read(every_row_by_name))["messages"]]
        shown = await db.read(repository.shown, "message", ids)
    payloads = [json.loads(payload) for _, payload in told.rows]
    assert payloads == [{"type": "message", "act": "created"} | shown[row_id] for row_id in ids]
    assert payloads[1]["task_id"]
