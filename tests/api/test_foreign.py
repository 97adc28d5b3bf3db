"""Somebody else's things: for every route and every name of a thing, as if they were not there."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from duihua.core.clock import now
from duihua.core.ids import new_uuid
from duihua.db.base import Base
from duihua.db.session import Database, Session
from duihua.generation.recovery import Recovery
from duihua.models import Conversation, File, Generation, GenerationEvent, ImportTask, Message
from duihua.models.user import LOCAL_USER_ID
from duihua.statistics.rolling import count_days
from tests.api.routes import (
    Call,
    Field,
    Route,
    a_body,
    an_import,
    call,
    fields_in,
    read_routes,
    routes,
    upload,
)
from tests.fixtures.client import Client, Reply
from tests.fixtures.rows import MOMENT, SECRET, STRANGERS_KEY, Owned, add_stranger, every_row

FAST = {"offline": {"text": "好的。", "rate": 0}}
NOBODYS_ID = 10**15
TABLES = {
    "chat": Conversation,
    "message": Message,
    "reply": Message,
    "task": Generation,
    "file": File,
    "import_task": ImportTask,
}
# Where an unknown name is no error: a batch says what is missing, a filter finds nothing.
BATCHES = {"ids", "chat_ids"}
# A file cannot say what is missing in it: there an unknown name is an error again.
FILES = {"POST /chat/export/batch"}
FILTERS = {("GET /chat/conversations/list", "group_id")}


@pytest.fixture(autouse=True)
def _without_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recovery would rightly end the stranger's run, which no process works on, and sweep what is old."""

    async def rest(_: Recovery) -> None:
        return None

    monkeypatch.setattr(Recovery, "rounds", rest)


@pytest.fixture
def db(client: Client) -> Database:
    """The server's own database."""
    return client.app.state.database


def stranger_with_everything(session: Session) -> tuple[Owned, dict[str, list[Any]]]:
    """Somebody else; and every name of everything they own, by kind."""
    stranger = add_stranger(session)
    run, reply = _add_running(session, stranger)
    names = {kind: _forms(session, kind, getattr(stranger, kind)) for kind in TABLES}
    names |= {kind: [getattr(stranger, kind), str(getattr(stranger, kind))] for kind in _numbered()}
    names["task"] += _forms(session, "task", run)
    names["message"] += _forms(session, "message", reply)
    return stranger, names


def _numbered() -> list[str]:
    return ["group", "connection", "prompt"]


def _forms(session: Session, kind: str, uuid: str) -> list[Any]:
    table = TABLES[kind]
    row_id = session.scalars(select(table.id).where(table.uuid == uuid)).one()
    return [uuid, uuid.upper(), row_id, str(row_id)]


def _add_running(session: Session, stranger: Owned) -> tuple[str, str]:
    """A reply of the stranger's that is being written: its task id and its uuid."""
    moments = {"created_at": MOMENT, "updated_at": MOMENT}
    reply = Message(uuid=new_uuid(), user_id=stranger.user, conversation_id=stranger.chat_row, **moments)
    reply.role, reply.content, reply.state = "assistant", SECRET, "streaming"
    reply.parent_id, reply.depth, reply.on_branch = stranger.message_row, 1, False
    session.add(reply)
    session.flush()
    run = Generation(uuid=new_uuid(), user_id=stranger.user, conversation_id=stranger.chat_row)
    run.user_message_id, run.message_id = stranger.message_row, reply.id
    run.model_id = run.provider = "offline"
    run.language, run.state, run.owner = "zh", "streaming", new_uuid()
    run.lease_expires_at, run.created_at = now() + timedelta(days=1), MOMENT
    session.add(run)
    session.flush()
    session.add(GenerationEvent(generation_id=run.id, seq=1, payload=f'{{"content":"{SECRET}"}}'))
    return run.uuid, reply.uuid


def strangers_rows(session: Session, user: int) -> dict[str, list[str]]:
    """Every row of the stranger's, and every row that holds a text of theirs."""
    found = {}
    for table in Base.metadata.sorted_tables:
        rows = [row._mapping for row in session.execute(select(table))]
        found[table.name] = sorted(
            repr(row) for row in rows if row.get("user_id") == user or SECRET in str(row)
        )
    return found


async def my_things(client: Client) -> Owned:
    """What the caller owns, of every kind that the API can make."""
    group = (await client.post("/chat/groups", {"name": "我的"})).data["id"]
    chat = await client.conversation(group_id=group, config=FAST)
    said = await client.say(chat["uuid"])
    message, reply = await client.messages(chat["uuid"])
    await client.post(f"/chat/conversations/{chat['uuid']}/share", {})
    prompt = (await client.post("/chat/prompts", {"title": "我的", "content": "你好"})).data["id"]
    mine = {"model_url": "http://127.0.0.1:9/v1", "status": "inactive"}
    connection = (await client.post("/chat/api-keys", mine)).data["id"]
    file = (await client.post("/chat/upload", data=upload())).data["id"]
    return Owned(
        *(LOCAL_USER_ID, group, chat["uuid"], chat["id"], message["uuid"], message["id"], reply["uuid"]),
        *(said["task_id"], connection, prompt, file, await an_import(client)),
    )


def naming(route: Route, own: Owned, named: dict[Field, Any]) -> Call:
    """The least request on `route`, with these names in these fields."""
    given = {(f.place, f.name): [name] if "array" in f.kinds else name for f, name in named.items()}
    return call(route, route.least(own) | given)


def nobodys(name: Any) -> Any:
    """A name of the same form that nothing has."""
    if isinstance(name, int):
        return NOBODYS_ID
    return str(NOBODYS_ID) if name.isdigit() else new_uuid()


def without(answer: Reply, name: Any) -> dict[str, Any]:
    """An answer's body without what differs for any two names."""
    data = answer.body["data"]
    if data and "missing" in data:
        data = data | {"missing": ["<it>" if str(it) == str(name).lower() else it for it in data["missing"]]}
    return answer.body | {"request_id": "", "data": data}


def is_refusal(route: Route, field: Field, answer: dict[str, Any]) -> bool:
    """Whether this is how `route` answers where `field` names nothing."""
    data = answer["data"]
    if field.name in BATCHES and str(route) not in FILES:
        return data["missing"] == ["<it>"] and [n for n in data.values() if n != data["missing"]] == [0]
    if (str(route), field.name) in FILTERS:
        return bool(data["list"] == [] and data["total"] == 0)
    return answer["code"] == 404 and answer["error"].endswith("_not_found")


async def compare(client: Client, route: Route, own: Owned, named: dict[Field, Any]) -> str | None:
    """What is wrong with the answer to these names, which are all somebody else's."""
    strange = await client.request(*naming(route, own, named))
    random = {field: nobodys(name) for field, name in named.items()}
    unknown = await client.request(*naming(route, own, random))
    last = list(named)[-1]
    answers = [without(strange, named[last]), without(unknown, random[last])]
    where = f"{route} {[(field.name, name) for field, name in named.items()]}: {answers}"
    if SECRET in repr(strange) or answers[0] != answers[1]:
        return where
    return None if len(named) > 1 or is_refusal(route, last, answers[0]) else where


async def test_what_is_somebody_elses_does_not_exist(client: Client, db: Database) -> None:
    own = await my_things(client)
    _, names = await db.write(stranger_with_everything)
    before = await db.read(every_row)
    wrong = [
        await compare(client, route, own, {field: name})
        for route in routes()
        for field, kind in route.named_objects()
        for name in names[kind]
    ]
    assert len(wrong) > 100
    assert not [problem for problem in wrong if problem]
    assert await db.read(every_row) == before


async def test_what_is_somebody_elses_does_not_exist_inside_its_own(client: Client, db: Database) -> None:
    """Every object that a request names is the stranger's, and they belong together."""
    own = await my_things(client)
    _, names = await db.write(stranger_with_everything)
    before = await db.read(every_row)
    pairs = [
        (route, one, other)
        for route in routes()
        for one in route.named_objects()
        for other in route.named_objects()
        if one != other and not {one[0].name, other[0].name} <= {"before", "after", "around", "task_id"}
    ]
    wrong = [
        await compare(client, route, own, {one: names[kind][0], other: names[other_kind][0]})
        for route, (one, kind), (other, other_kind) in pairs
    ]
    assert wrong
    assert not [problem for problem in wrong if problem]
    assert await db.read(every_row) == before


async def test_a_message_of_another_conversation_is_not_in_this_one(client: Client, db: Database) -> None:
    here, there = [await my_things(client) for _ in range(2)]
    foreign = there._replace(chat=here.chat)
    before = await db.read(every_row)
    asked = [
        (route, field)
        for route in routes()
        if any(field.name == "chat_id" for field in route.fields)
        for field, kind in route.named_objects()
        if kind in {"message", "reply"} and field.name != "files"
    ]
    assert {field.name for _, field in asked} == {"message_id", "parent_id", "before", "after", "around"}
    for route, field in asked:
        answer = await client.request(*naming(route, here, {field: route.sample(field, foreign)}))
        assert answer.error == "message_not_found", f"{route} {field.name}"
    assert await db.read(every_row) == before


async def test_a_batch_takes_what_is_the_callers_and_no_more(client: Client, db: Database) -> None:
    own = await my_things(client)
    stranger, names = await db.write(stranger_with_everything)
    before = await db.read(strangers_rows, stranger.user)
    both = [names["chat"][0], own.chat, stranger.chat_row]
    missing = [stranger.chat, str(stranger.chat_row)]
    moved = await client.put(
        "/chat/conversations/batch/move", {"chat_ids": both, "target_group_id": own.group}
    )
    assert moved.data == {"moved": 1, "missing": missing}
    shelved = await client.put("/chat/conversations/batch/status", {"chat_ids": both, "status": "archived"})
    assert shelved.data == {"updated": 1, "missing": missing}
    deleted = await client.delete("/chat/conversations/batch", {"ids": both})
    assert deleted.data == {"deleted": 1, "missing": missing}
    assert await db.read(strangers_rows, stranger.user) == before


async def test_no_answer_tells_of_a_stranger(client: Client, db: Database) -> None:
    """Every route, asked for what is the caller's own: lists, counts and cancellations keep to it."""
    stranger, _ = await db.write(stranger_with_everything)
    # The server does it by itself, a minute after its start.
    await count_days(db)
    before = await db.read(strangers_rows, stranger.user)
    told, failed = [], []
    for route in routes():
        own = await my_things(client)
        named = {f: getattr(own, kind) for f, kind in route.named_objects() if f.says_what}
        method, path, body = naming(route, own, named)
        sent = a_body(route, body, own)
        async with client.session.request(method, client.origin + path, **sent) as response:
            text = await response.text(errors="replace")
        if SECRET in text or stranger.chat in text:
            told.append(f"{route}: {text}")
        if response.status != 200:
            failed.append(f"{route}: {text}")
    assert not told
    assert not failed
    assert await db.read(strangers_rows, stranger.user) == before


async def test_stopping_everything_stops_nobody_elses(client: Client, db: Database) -> None:
    await db.write(stranger_with_everything)
    assert (await client.post("/chat/terminate")).data == {"cancelled_count": 0}


async def test_a_retry_key_is_its_users(client: Client, db: Database) -> None:
    stranger, _ = await db.write(stranger_with_everything)
    before = await db.read(strangers_rows, stranger.user)
    headers = {"Idempotency-Key": STRANGERS_KEY}
    mine = await client.post("/chat/groups", {"name": "我的"}, headers=headers)
    assert mine.data["name"] == "我的"
    assert await db.read(strangers_rows, stranger.user) == before


@pytest.mark.parametrize("name", ["user_id", "userId", "owner_id", "id", "uuid"])
async def test_nothing_can_be_made_in_a_strangers_name(client: Client, db: Database, name: str) -> None:
    own = await my_things(client)
    stranger, _ = await db.write(stranger_with_everything)
    before = await db.read(strangers_rows, stranger.user)
    extra = {name: stranger.chat if name == "uuid" else stranger.user}
    made = (await client.post("/chat/conversations", extra)).data
    group = (await client.post("/chat/groups", {"name": "a"} | extra)).data
    changed = (await client.put(f"/chat/conversations/{own.chat}", {"title": "a"} | extra)).data
    assert changed["uuid"] == own.chat
    assert made["uuid"] != stranger.chat
    assert group["id"] in [group["id"] for group in (await client.get("/chat/groups")).data]
    assert await db.read(strangers_rows, stranger.user) == before


def test_every_name_of_an_object_is_known() -> None:
    for route in routes():
        for field in route.fields:
            route.object_of(field)
            for inner in fields_in(field):
                assert route.object_of(inner) is None, f"{route} {field.name}.{inner.name} is not tested"


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("folder_id", {"type": "string"}),
        ("ids", {"type": "array", "items": {"type": "string"}}),
        ("folder", {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "null"}]}),
    ],
)
def test_an_unknown_name_of_an_object_is_seen(name: str, schema: dict[str, Any]) -> None:
    parameter = {"in": "query", "name": name, "required": False, "schema": schema}
    [route] = read_routes({"components": {}, "paths": {"/new": {"get": {"parameters": [parameter]}}}})
    with pytest.raises(AssertionError, match=f"say in .* what {name} names"):
        route.named_objects()
