"""What a process leaves unfinished is ended by another, once, and the first one writes nothing more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from duihua.core.clock import now
from duihua.db.session import Database, Session, open_database
from duihua.generation import engine, recovery, repository
from duihua.generation.ending import LostGeneration
from duihua.generation.recovery import Recovery, end
from duihua.models.generation import LEASE
from duihua.realtime.bus import Committed, LocalBus
from tests.fixtures.client import Client, Event
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import Act, delta, head
from tests.generation.abandoned import DEAD, abandon, change, payloads_of, recovery_of, row_of
from tests.generation.asking import asked, scripted, until
from tests.generation.laws import lawful, stored

ENGLISH = {"Accept-Language": "en"}


def place_of(task_id: str) -> str:
    return f"/chat/messages/stream/{task_id}"


@pytest.fixture
async def other_process(database_url: str) -> AsyncIterator[Database]:
    """The same database, as another process would have it open."""
    db = open_database(database_url, synchronous="normal", pool_size=3)
    yield db
    await db.close()


async def test_a_server_ends_at_its_start_what_the_last_one_left(start_server: StartServer) -> None:
    async with start_server() as client:
        chats = [(await client.conversation())["uuid"] for _ in range(3)]
        left = [
            await abandon(client, chats[0]),
            await abandon(client, chats[1], "只有一块"),
            await abandon(client, chats[2], "这是", "说了", "一半的话 👩‍👩‍👧"),
        ]
    async with start_server() as client:
        for chat_id, abandoned, text in zip(
            chats, left, ("", "只有一块", "这是说了一半的话 👩‍👩‍👧"), strict=True
        ):
            events = await client.stream(place_of(abandoned.task_id))
            reply = await stored(client, chat_id, events)
            assert (reply["state"], reply["content"]) == ("interrupted", text)
            assert reply["error"] == "generation_interrupted"
            assert reply["error_message"]
            assert (await row_of(client, abandoned.task_id)).finished_at is not None
            # The conversation is as usable as ever.
            await client.say(chat_id, "继续")
            assert len(await client.messages(chat_id)) == 4


async def test_a_lease_that_runs_protects_its_owner_where_there_may_be_one(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    left = await abandon(client, chat_id, "一半")
    await change(client, left.generation_id, lease_expires_at=now() + timedelta(seconds=60))
    is_postgres = client.app.state.database.dialect == "postgresql"
    # Nobody else can have a SQLite file: there the owner is gone whatever its lease says.
    assert await recovery_of(client).recover() == (0 if is_postgres else 1)
    await change(client, left.generation_id, lease_expires_at=now() - timedelta(seconds=1))
    assert await recovery_of(client).recover() == (1 if is_postgres else 0)
    assert lawful(await client.stream(place_of(left.task_id)))["error"] == "generation_interrupted"


async def test_a_live_run_is_left_alone(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    body = asked(chat_id, tokens=20, hang_after=10)
    async with client.open_stream("/chat/messages/stream", body) as stream:
        seen = await until(stream, "chunk")
        row = await row_of(client, stream.task_id)
        # However late its lease is renewed, and however long ago it began.
        long_ago = now() - timedelta(hours=1)
        await change(client, row.id, lease_expires_at=long_ago, created_at=long_ago)
        assert await recovery_of(client).recover() == 0
        await client.post(f"/chat/messages/stream/cancel?task_id={stream.task_id}")
        events = seen + [event async for event in stream]
    assert (await stored(client, chat_id, events))["state"] == "cancelled"


async def test_a_run_that_was_stored_and_never_started_is_ended(client: Client) -> None:
    """Its request was cancelled between the two: the owner lives and knows nothing of it."""
    chat_id = (await client.conversation())["uuid"]
    left = await abandon(client, chat_id, owner=client.app.state.engine.owner)
    await change(client, left.generation_id, lease_expires_at=now() + timedelta(seconds=60))
    assert await recovery_of(client).recover() == 0, "it may be about to start"
    await change(client, left.generation_id, lease_expires_at=now() - timedelta(seconds=1))
    assert await recovery_of(client).recover() == 1
    events = await client.stream(place_of(left.task_id))
    assert (await stored(client, chat_id, events))["state"] == "interrupted"


async def test_several_recoveries_at_once_end_each_run_once(client: Client, other_process: Database) -> None:
    chats = [(await client.conversation(title=None))["uuid"] for _ in range(6)]
    left = [await abandon(client, chat_id, "一", "二") for chat_id in chats]
    state = client.app.state
    elsewhere = Recovery(other_process, LocalBus(), state.engine, journal_kept=timedelta(hours=1))
    followed = [asyncio.create_task(client.stream(place_of(each.task_id))) for each in left]
    every = [recovery_of(client), elsewhere, recovery_of(client), elsewhere]
    await asyncio.gather(*(recovery.recover() for recovery in every))
    for chat_id, abandoned in zip(chats, left, strict=True):
        events = await client.stream(place_of(abandoned.task_id))
        assert (await stored(client, chat_id, events))["content"] == "一二"
        assert len(await payloads_of(client, abandoned.generation_id)) == len(events) == 6
    for task in followed:
        task.cancel()
    await asyncio.gather(*followed, return_exceptions=True)


async def test_what_was_left_first_is_ended_first(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever recovers may be killed before the last one: none is to wait for those that came after it."""
    # The server's own recovery looks once, when nothing is there yet.
    monkeypatch.setattr(recovery, "ROUND_SECONDS", 1000.0)
    async with start_server() as client:
        left = [await abandon(client, (await client.conversation())["uuid"], "一半") for _ in range(3)]
        for seconds, abandoned in zip((30, 90, 60), left, strict=True):
            over = now() - timedelta(seconds=seconds)
            await change(client, abandoned.generation_id, lease_expires_at=over)
        found = await client.app.state.database.read(repository.abandoned, "somebody", (), alone=False)
        assert [run.generation_id for run in found] == [left[n].generation_id for n in (1, 2, 0)]


async def test_who_waits_for_an_abandoned_run_hears_its_end(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    left = await abandon(client, chat_id, "一半")
    async with client.open_stream(place_of(left.task_id)) as stream:
        seen = await until(stream, "chunk")
        assert await recovery_of(client).recover() == 1
        events = seen + [event async for event in stream]
    await stored(client, chat_id, events)
    assert not client.app.state.engine.feeds._feeds


async def test_an_owner_that_was_taken_for_dead_writes_nothing_more(
    start_server: StartServer, other_process: Database
) -> None:
    """As after SIGSTOP, or a machine that slept: the run goes on here, and has been ended there."""
    ended = asyncio.Event()
    half = [head() + delta("一半"), ended] + [part for _ in range(200) for part in (delta("多余"), 0.02)]
    async with scripted(start_server, [*half, Act.HOLD]) as it:
        client = it.client
        chat_id = (await client.conversation(title=None))["uuid"]
        body = {"chat_id": chat_id, "content": "在吗"}
        async with client.open_stream("/chat/messages/stream", body, headers=ENGLISH) as stream:
            seen = await until(stream, "chunk")
            row = await row_of(client, stream.task_id)
            message_id = seen[-1].data["message_id"]
            run = repository.Abandoned(row.id, row.owner, "en", message_id, cancelled=False)
            notice = await other_process.write(end, run)
            ended.set()
            async with asyncio.timeout(5):
                events = seen + [event async for event in stream]
        await asyncio.wait_for(it.upstream.client_closed.wait(), 2)
        last = lawful(events)
        assert last["error"] == "generation_interrupted"
        assert "stopped" in last["message"], "in the language of the one who asked"
        assert await payloads_of(client, row.id) == [_payload(event) for event in events]
        assert [event.data["type"] for event in events[notice.first_seq - 1 :]] == ["title", "error"]
        await stored(client, chat_id, events)
        engine = client.app.state.engine
        assert (engine.alive, engine._admitted, dict(engine.feeds._feeds)) == ([], 0, {})


def _payload(event: Event) -> str:
    import msgspec

    return msgspec.json.encode(event.data).decode()


async def test_the_answer_without_a_stream_comes_though_the_run_was_taken_over(
    client: Client, other_process: Database
) -> None:
    chat_id = (await client.conversation())["uuid"]
    waiting = asyncio.create_task(client.post("/chat/messages", asked(chat_id, tokens=500, rate=200)))
    async with asyncio.timeout(5):
        while not (messages := await client.messages(chat_id)) or not messages[-1]["content"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    row = await row_of(client, messages[-1]["task_id"])
    run = repository.Abandoned(row.id, row.owner, "zh", messages[-1]["uuid"], cancelled=False)
    await _end_between_two_commits(other_process, run)
    answer = await asyncio.wait_for(waiting, 5)
    assert answer.data["reply"]["state"] == "interrupted"


async def _end_between_two_commits(other_process: Database, run: repository.Abandoned) -> None:
    """The run goes on here: what it commits at the very same moment comes first, and is read again."""
    async with asyncio.timeout(5):
        while True:
            try:
                await other_process.write(end, run)
            except LostGeneration:
                continue
            return


async def test_leases_are_renewed_for_the_living(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    left = await abandon(client, chat_id)
    state = client.app.state
    async with client.open_stream("/chat/messages/stream", asked(chat_id, hang_after=0)) as stream:
        row = await row_of(client, stream.task_id)
        await change(client, row.id, lease_expires_at=now())
        await state.database.write(repository.renew_leases, state.engine.alive)
        assert (await row_of(client, stream.task_id)).lease_expires_at > now() + LEASE / 2
    abandoned = await row_of(client, left.task_id)
    assert abandoned.owner == DEAD
    assert abandoned.lease_expires_at < now()


async def test_leases_are_renewed_while_much_is_swept(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(_: Recovery) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(recovery, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr(recovery, "FIRST_SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(Recovery, "sweep", endless)
    async with start_server() as client:
        chat_id = (await client.conversation())["uuid"]
        async with client.open_stream("/chat/messages/stream", asked(chat_id, hang_after=0)) as stream:
            row = await row_of(client, stream.task_id)
            await change(client, row.id, lease_expires_at=now())
            async with asyncio.timeout(5):
                while (await row_of(client, stream.task_id)).lease_expires_at < now() + LEASE / 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)


async def test_one_that_cannot_be_ended_keeps_no_other_waiting(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [await abandon(client, (await client.conversation())["uuid"], "一半") for _ in range(3)]
    really = recovery.end

    def refuse_the_first(session: Session, run: repository.Abandoned) -> Committed:
        if run.generation_id == left[0].generation_id:
            raise ValueError("its journal cannot be read")
        return really(session, run)

    monkeypatch.setattr(recovery, "end", refuse_the_first)
    await recovery_of(client).recover()
    states = [(await row_of(client, abandoned.task_id)).state for abandoned in left]
    assert states == ["streaming", "interrupted", "interrupted"]


async def test_who_follows_a_run_that_could_not_be_ended_hears_its_end_from_whoever_ends_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("a value that the database does not take")

    chat_id = (await client.conversation())["uuid"]
    with monkeypatch.context() as broken:
        broken.setattr(repository, "finish", refuse)
        async with client.open_stream("/chat/messages/stream", asked(chat_id, tokens=3)) as stream:
            async with asyncio.timeout(5):
                seen = [event async for event in stream]
    assert client.app.state.engine.alive == []
    joining = asyncio.create_task(client.stream(place_of(stream.task_id)))
    row = await row_of(client, stream.task_id)
    await change(client, row.id, lease_expires_at=now() - timedelta(seconds=1))
    assert await recovery_of(client).recover() == 1
    events = await asyncio.wait_for(joining, 5)
    assert events[: len(seen)] == seen
    assert (await stored(client, chat_id, events))["state"] == "interrupted"
    assert not client.app.state.engine.feeds._feeds


async def test_who_stops_a_run_that_nobody_answers_for_is_told_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "STOP_SECONDS", 0.2)
    left = await abandon(client, (await client.conversation())["uuid"], "一半", owner="it is frozen")
    place = f"/chat/messages/stream/cancel?task_id={left.task_id}"
    answer = await client.post(place, headers=ENGLISH)
    assert answer.data["state"] == "streaming"
    assert answer.body["message"].startswith("The stop is noted")
    assert await recovery_of(client).recover() == 1
    assert (await client.post(place)).data["state"] == "cancelled"
