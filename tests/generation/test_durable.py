"""Durable before shown: what a client has seen is in the database, whatever the database does meanwhile."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from duihua.db import insisting
from duihua.db.errors import StorageFull, StorageInDoubt, StorageUnavailable
from duihua.db.session import Session
from duihua.generation import journal as journals
from duihua.generation import journal_repository, repository, starting
from duihua.schemas import stream
from tests.db.notes import on_postgres, on_sqlite, sqlite_path
from tests.fixtures.client import Client, Event, Stream
from tests.fixtures.database import postgres as on_server
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import reply
from tests.fixtures.watched_database import WatchedDatabase
from tests.generation.abandoned import abandon, recovery_of
from tests.generation.asking import asked, scripted, until
from tests.generation.laws import lawful, stored

Watched = Callable[[Client], WatchedDatabase]
COUNT = "SELECT count(*), max(seq) FROM generation_events e JOIN generations g ON g.id = e.generation_id"
JOURNAL_WRITES = {journal_repository.extend}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(insisting, "RETRY_SECONDS", 0.02)


@asynccontextmanager
async def stranger(url: str) -> AsyncIterator[Callable[[str], Awaitable[tuple[int, int]]]]:
    """Counts the journal of a task on a connection of its own, which sees nothing but what is committed."""
    if url.startswith("sqlite"):
        peer = sqlite3.connect(sqlite_path(url))

        async def count(task_id: str) -> tuple[int, int]:
            return peer.execute(COUNT + " WHERE g.uuid = ?", (task_id,)).fetchone()

        yield count
        peer.close()
        return
    connection = await asyncpg.connect(url)

    async def count_there(task_id: str) -> tuple[int, int]:
        return tuple(await connection.fetchrow(COUNT + " WHERE g.uuid = $1", task_id))

    yield count_there
    await connection.close()


async def test_what_a_client_sees_is_committed_at_that_moment(client: Client, database_url: str) -> None:
    chat_id = (await client.conversation())["uuid"]
    body = asked(chat_id, reasoning="想 一 想", tokens=150, rate=300)
    async with (
        stranger(database_url) as committed,
        client.open_stream("/chat/messages/stream", body) as stream,
    ):
        events = []
        async for event in stream:
            events.append(event)
            count, last = await committed(stream.task_id)
            assert count == last >= event.id
    await stored(client, chat_id, events)
    assert len(events) > 10


async def test_what_waits_for_its_commit_is_not_shown(watched: Watched, start_server: StartServer) -> None:
    async with start_server() as client:
        gate, asked_for = asyncio.Event(), asyncio.Event()

        async def hold(work: Callable[..., Any]) -> None:
            if work in JOURNAL_WRITES or work is repository.finish:
                asked_for.set()
                await gate.wait()

        watched(client).before = hold
        chat_id = (await client.conversation())["uuid"]
        async with client.open_stream("/chat/messages/stream", asked(chat_id, tokens=50)) as stream:
            seen = await until(stream, "assistant_start")
            await asked_for.wait()
            following = asyncio.create_task(_rest(stream))
            await asyncio.sleep(0.2)
            assert not following.done()
            joined = (await client.messages(chat_id))[-1]
            assert (joined["content"], joined["last_event_id"]) == ("", 2), "nor by reading the message"
            gate.set()
            events = seen + await following
        await stored(client, chat_id, events)


async def _rest(stream: Stream) -> list[Event]:
    return [event async for event in stream]


def refuse(
    times: int, refusal: Exception, works: set[Any]
) -> Callable[[Callable[..., Any]], Awaitable[None]]:
    """A hook that raises `refusal` for the first `times` of these works."""
    left = [refusal] * times

    async def hook(work: Callable[..., Any]) -> None:
        if work in works and left:
            raise left.pop()

    return hook


@pytest.mark.parametrize("refusal", [StorageUnavailable(), StorageFull()], ids=["unavailable", "full"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_refused_commits_neither_lose_nor_repeat(
    watched: Watched, start_server: StartServer, refusal: Exception, when: str
) -> None:
    """`after`: the commit was done and the word of it lost, as when a connection breaks just then."""
    async with start_server() as client:
        hook = refuse(6, refusal, JOURNAL_WRITES | {repository.finish})
        setattr(watched(client), when, hook)
        chat_id = (await client.conversation())["uuid"]
        body = asked(chat_id, tokens=100, rate=500)
        events = await client.stream("/chat/messages/stream", body)
        written = await stored(client, chat_id, events)
        assert written["state"] == "complete"
        assert written["content"] == " ".join(map(str, range(1, 101)))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_end_that_is_refused_comes_once(
    watched: Watched, start_server: StartServer, when: str
) -> None:
    async with start_server() as client:
        setattr(watched(client), when, refuse(3, StorageUnavailable(), {repository.finish}))
        chat_id = (await client.conversation())["uuid"]
        async with asyncio.timeout(10):
            events = await client.stream("/chat/messages/stream", asked(chat_id, tokens=20))
        assert (await stored(client, chat_id, events))["state"] == "complete"
        assert client.app.state.engine.alive == []


async def test_a_question_that_could_not_be_stored_is_not_asked(
    watched: Watched, start_server: StartServer
) -> None:
    async with scripted(start_server, reply("好")) as it:
        chat_id = (await it.client.conversation())["uuid"]
        body = {"chat_id": chat_id, "content": "在吗"}
        for refusal, status in ((StorageUnavailable(retry_after=2), 503), (StorageFull(retry_after=30), 507)):
            watched(it.client).before = refuse(1, refusal, {starting.send})
            answer = await it.client.post("/chat/messages/stream", body)
            assert answer.status == status
            assert answer.headers["Retry-After"]
        assert await it.client.messages(chat_id) == []
        assert it.requests() == []
        assert it.client.app.state.engine._admitted == 0
        await stored(it.client, chat_id, await it.client.stream("/chat/messages/stream", body))


async def test_a_question_that_may_have_been_stored_is_found_by_its_key(
    watched: Watched, start_server: StartServer
) -> None:
    async with start_server() as client:
        chat_id = (await client.conversation())["uuid"]
        body, headers = asked(chat_id, tokens=5), {"Idempotency-Key": "the same"}
        watched(client).after = refuse(1, StorageInDoubt(retry_after=2), {starting.send})
        answer = await client.post("/chat/messages/stream", body, headers=headers)
        assert (answer.status, answer.error) == (503, "storage_in_doubt")
        async with client.open_stream("/chat/messages/stream", body, headers=headers) as stream:
            await until(stream, "assistant_start")
            _, its_reply = await client.messages(chat_id)
            assert stream.task_id == its_reply["task_id"]


@on_sqlite
async def test_a_run_outlives_a_full_disk(client: Client) -> None:
    database = client.app.state.database
    chat_id = (await client.conversation())["uuid"]
    body = asked(chat_id, text="很长的回答。" * 20_000, rate=100_000)
    async with client.open_stream("/chat/messages/stream", body) as stream:
        seen = await until(stream, "chunk")
        await database.write(_leave_no_room)
        following = asyncio.create_task(_rest(stream))
        async with asyncio.timeout(5):
            while (answer := await client.post("/chat/conversations", {"title": "x" * 255})).status == 200:
                pass
        assert answer.error == "storage_full"
        assert (await client.get("/chat/conversations/list")).status == 200
        assert not following.done()
        await database.write(_make_room)
        events = seen + await following
    assert (await stored(client, chat_id, events))["content"] == "很长的回答。" * 20_000


def _leave_no_room(session: Session) -> None:
    session.execute(text(f"PRAGMA max_page_count = {session.scalar(text('PRAGMA page_count')) + 1}")).all()


def _make_room(session: Session) -> None:
    session.execute(text("PRAGMA max_page_count = 1000000")).all()


@on_postgres
async def test_a_run_outlives_its_connections_and_a_restart_of_the_server(
    client: Client, database_url: str
) -> None:
    name = database_url.rpartition("/")[2]
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    chat_id = (await client.conversation())["uuid"]
    async with client.open_stream("/chat/messages/stream", asked(chat_id, tokens=300, rate=150)) as stream:
        seen = await until(stream, "chunk")
        following = asyncio.create_task(_rest(stream))
        for _ in range(5):
            await on_server(kill)
        await on_server(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await on_server(kill)
        assert (await client.get("/chat/conversations/list")).error == "storage_unavailable"
        await asyncio.sleep(0.3)
        await on_server(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        events = seen + await following
    assert lawful(events)["content"] == " ".join(map(str, range(1, 301)))
    await stored(client, chat_id, events)


async def test_thoughts_survive_their_process(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    left = await abandon(client, chat_id)
    pieces = [("reasoning", "想一想"), ("chunk", "一半")]
    rows = [
        (left.generation_id, number, stream.piece(kind, left.message_id, text))
        for number, (kind, text) in enumerate(pieces, start=3)
    ]
    await client.app.state.database.write(journal_repository.append_events, rows)
    assert await recovery_of(client).recover() == 1
    reply = await stored(client, chat_id, await client.stream(f"/chat/messages/stream/{left.task_id}"))
    assert (reply["content"], reply["reasoning"]) == ("一半", "想一想")
