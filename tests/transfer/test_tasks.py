"""Imports that go on without their request: followed from anywhere, ended exactly once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from duihua.core.ids import new_uuid
from duihua.db.session import Session
from duihua.models import ImportTask
from duihua.models.user import LOCAL_USER_ID
from duihua.transfer import importing, task_repository, tasks
from duihua.transfer.tasks import ImportTasks
from tests.fixtures.client import Client, Event
from tests.fixtures.rows import MOMENT
from tests.fixtures.server import StartServer
from tests.transfer.test_import import archive, encoded, form_of, load


async def begin(client: Client, content: bytes) -> str:
    answer = await client.post("/chat/import?async=true", data=form_of(content))
    assert answer.status == 202, answer.body
    assert answer.headers["x-task-id"] == answer.body["data"]["task_id"]
    return str(answer.body["data"]["task_id"])


async def follow(client: Client, task_id: str, **options: Any) -> list[Event]:
    async with asyncio.timeout(20):
        return await client.stream(f"/chat/import/{task_id}", **options)


@pytest.fixture
async def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Imports read one conversation, and the next when this is set."""
    loop, opened, read = asyncio.get_running_loop(), asyncio.Event(), importing.formats.read

    def slowly(*args: Any) -> Any:
        for number, found in enumerate(read(*args)):
            if number:
                asyncio.run_coroutine_threadsafe(opened.wait(), loop).result()
            yield found

    monkeypatch.setattr(importing.formats, "read", slowly)
    monkeypatch.setattr(importing, "_MESSAGES_AT_ONCE", 1)
    return opened


async def test_an_import_is_followed_to_its_report(client: Client) -> None:
    good, broken = archive(), archive() | {"version": 2}
    events = await follow(client, await begin(client, encoded(good, broken, good)))
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert {event.data["type"] for event in events[:-1]} <= {"progress"}
    last = events[-1].data
    assert last["type"] == "complete"
    report = last["report"]
    assert (report["imported"], report["skipped"], report["failed"]) == (1, 1, 1)
    assert (await client.get(f"/chat/conversations/{good['conversation']['uuid']}")).status == 200


async def test_followers_go_on_where_they_were(client: Client, gate: asyncio.Event) -> None:
    task_id = await begin(client, encoded(archive(), archive()))
    async with client.open_stream(f"/chat/import/{task_id}") as first:
        async for event in first:
            if event.data["imported"] == 1:
                break
    assert event.data["done"] < event.data["total"]
    gate.set()
    rest = await follow(client, task_id, after=event.id)
    assert [one.data["type"] for one in rest].count("complete") == 1
    assert rest[0].id > event.id
    assert await follow(client, task_id) == [rest[-1]], "later, only the end is told"
    assert await follow(client, task_id, after=rest[-1].id) == []


async def test_what_is_no_archive_ends_in_words(client: Client) -> None:
    [*_, last] = await follow(client, await begin(client, b"{}"))
    assert (last.data["type"], last.data["error"]) == ("error", "import_unreadable")
    assert last.data["message"]


async def test_a_process_that_stops_says_so_and_a_repeat_adds_the_rest(
    client: Client, gate: asyncio.Event, start_server: StartServer
) -> None:
    content = encoded(archive(), archive(), archive())
    task_id = await begin(client, content)
    running: ImportTasks = client.app.state.imports
    async with client.open_stream(f"/chat/import/{task_id}") as stream:
        events = []
        async for event in stream:
            events.append(event)
            if event.data["type"] == "progress" and event.data["imported"] == 1 and not gate.is_set():
                running.stop()
                gate.set()
    ended = events[-1].data
    assert (ended["type"], ended["imported"]) == ("interrupted", 1)
    async with start_server() as other:
        again = (await load(other, content)).data
    assert (again["imported"], again["skipped"]) == (2, 1)


async def test_one_that_is_cancelled_keeps_what_it_has_and_says_so(
    client: Client, gate: asyncio.Event
) -> None:
    content = encoded(archive(), archive(), archive())
    task_id = await begin(client, content)
    waiting = await begin(client, encoded(archive()))
    async with client.open_stream(f"/chat/import/{task_id}") as stream:
        events = []
        async for event in stream:
            events.append(event)
            if event.data["type"] == "progress" and event.data["imported"] == 1 and not gate.is_set():
                for each in (task_id, waiting):
                    answer = await client.post(f"/chat/import/{each}/cancel")
                    assert (answer.status, answer.data) == (200, {"task_id": each})
                await asyncio.sleep(2 * tasks._BEAT_SECONDS)
                gate.set()
    ended = events[-1].data
    assert (ended["type"], ended["error"], ended["imported"]) == ("cancelled", "import_cancelled", 1)
    [*_, other] = await follow(client, waiting)
    assert (other.data["type"], other.data["imported"]) == ("cancelled", 0)
    again = (await load(client, content)).data
    assert (again["imported"], again["skipped"]) == (2, 1)
    assert (await client.post(f"/chat/import/{task_id}/cancel")).status == 200, "again is no mistake"
    assert (await client.post(f"/chat/import/{new_uuid()}/cancel")).error == "import_task_not_found"


async def test_a_process_that_died_is_told_by_another(client: Client) -> None:
    database = client.app.state.database
    task_id = await database.write(task_repository.begin, LOCAL_USER_ID, new_uuid(), 10)
    await database.write(_expire, task_id)
    events = await follow(client, task_id)
    assert [event.data["type"] for event in events] == ["interrupted"]
    assert await follow(client, task_id) == events


def _expire(session: Session, task_id: str) -> None:
    session.execute(update(ImportTask).filter_by(uuid=task_id).values(lease_expires_at=MOMENT))


@pytest.mark.parametrize("query", ["", "?async=true"])
async def test_a_retry_is_answered_as_the_first_time(client: Client, query: str) -> None:
    async def send(content: bytes) -> Any:
        form = form_of(content)
        return await client.post(f"/chat/import{query}", data=form, headers={"Idempotency-Key": "k"})

    content = encoded(archive())
    first, second = await send(content), await send(content)
    assert first.body["data"] == second.body["data"]
    assert query or first.data["imported"] == 1
    assert (await send(encoded(archive()))).error == "idempotency_key_reused"
    assert len(await client.app.state.database.read(_tasks)) == bool(query)


def _tasks(session: Session) -> list[str]:
    return list(session.scalars(select(ImportTask.uuid)))
