"""Joining a generation at any place and any time gives what is missing: nothing lost, nothing twice."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from duihua.core.clock import now
from duihua.core.errors import InvalidInput
from duihua.generation import journal_repository, service
from duihua.models.user import LOCAL_USER_ID
from tests.fixtures.client import Client, Event, text_of
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import DONE, FINISH, delta, head, reply
from tests.fixtures.watched_database import WatchedDatabase
from tests.generation.abandoned import abandon, recovery_of
from tests.generation.asking import asked, scripted, until
from tests.generation.laws import lawful, stored

UNKNOWN = "0199aaaa-0000-7000-8000-000000000000"


def place_of(task_id: str) -> str:
    return f"/chat/messages/stream/{task_id}"


async def finished(client: Client, **script: Any) -> tuple[str, str, list[Event]]:
    """A finished reply: its conversation, its task and its events."""
    chat_id = (await client.conversation())["uuid"]
    body = asked(chat_id, **(script or {"reasoning": "想一想", "tokens": 40, "rate": 800}))
    async with client.open_stream("/chat/messages/stream", body) as stream:
        return chat_id, stream.task_id, [event async for event in stream]


async def test_after_the_end_every_place_gives_the_rest(client: Client) -> None:
    _, task_id, events = await finished(client)
    lawful(events)
    assert len(events) > 4
    for after in range(len(events) + 1):
        assert await client.stream(place_of(task_id), after=after) == events[after:]
    assert await client.stream(place_of(task_id)) == events
    assert await client.stream(place_of(task_id) + "?lastEventId=2") == events[2:]
    assert await client.stream(place_of(task_id) + "?last_event_id=4", after=1) == events[1:]


async def test_during_the_run_every_place_gives_the_rest(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    joined: dict[int, asyncio.Task[list[Event]]] = {}
    events: list[Event] = []
    async with client.open_stream("/chat/messages/stream", asked(chat_id, tokens=100, rate=200)) as stream:
        async for event in stream:
            events.append(event)
            # Everything but what this follower has, just now: the next commit may come in between.
            joined[event.id] = asyncio.create_task(client.stream(place_of(stream.task_id), after=event.id))
    await stored(client, chat_id, events)
    assert len(joined) > 3
    for after, task in joined.items():
        assert await task == events[after:]


async def test_joining_just_as_a_run_ends_loses_nothing(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    for tokens in range(1, 60, 6):
        async with client.open_stream("/chat/messages/stream", asked(chat_id, tokens=tokens)) as stream:
            joining = [asyncio.create_task(client.stream(place_of(stream.task_id))) for _ in range(4)]
            events = [event async for event in stream]
            joining += [asyncio.create_task(client.stream(place_of(stream.task_id))) for _ in range(2)]
        lawful(events)
        assert await asyncio.gather(*joining) == [events] * 6


async def test_a_follower_that_goes_away_stops_nobody(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    async with client.open_stream("/chat/messages/stream", asked(chat_id, tokens=60, rate=200)) as first:
        other = asyncio.create_task(client.stream(place_of(first.task_id)))
        seen = await until(first, "chunk")
    events = await other
    assert lawful(events)["type"] == "complete"
    assert await client.stream(place_of(first.task_id), after=len(seen)) == events[len(seen) :]
    await stored(client, chat_id, events)


async def test_a_restarted_server_has_it_all(start_server: StartServer) -> None:
    async with start_server() as client:
        chat_id, task_id, events = await finished(client)
    async with start_server() as client:
        for after in range(len(events) + 1):
            assert await client.stream(place_of(task_id), after=after) == events[after:]
        await stored(client, chat_id, events)


@pytest.mark.parametrize(
    "script",
    [
        {"reasoning": "想一想", "tokens": 40, "rate": 800},
        {"tokens": 40, "rate": 800, "fail_after": 30, "error": "provider_rate_limited"},
        {"text": ""},
    ],
    ids=["complete", "failed", "nothing"],
)
async def test_without_its_journal_a_reply_still_has_the_same_end(
    client: Client, script: dict[str, Any]
) -> None:
    _, task_id, events = await finished(client, **script)
    await client.app.state.database.write(journal_repository.sweep, now() + timedelta(days=1))
    retold = await client.stream(place_of(task_id))
    assert lawful(retold) == events[-1].data
    assert [event.data for event in retold[:2]] == [event.data for event in events[:2]]
    for after in range(len(events) + 3):
        rest = await client.stream(place_of(task_id), after=after)
        assert rest[-1] == retold[-1]
        assert rest == retold[-len(rest) :]


async def test_without_its_journal_no_text_comes_twice(start_server: StartServer) -> None:
    """A model that speaks, thinks and speaks again: retold, all of its thoughts come first."""
    script = [head() + delta("甲"), 0.2, delta(reasoning_content="想"), 0.2, delta("乙") + FINISH + DONE]
    async with scripted(start_server, script) as it:
        _, events = await it.reply()
        place = place_of(events[1].data["task_id"])
        db, engine = it.client.app.state.database, it.client.app.state.engine
        await db.write(journal_repository.sweep, now() + timedelta(days=1))
        for after in (0, 1, 2):
            rest = await it.client.stream(place, after=after)
            assert text_of(events[:after] + rest) == "甲乙"
        # Also while somebody else reads what is retold.
        reading = await service.attach(db, engine, LOCAL_USER_ID, events[1].data["task_id"])
        for after in range(3, len(events) + 1):
            assert [event.data for event in await it.client.stream(place, after=after)] == [events[-1].data]
        assert len(reading.feed.frames) == 5


async def test_a_recent_journal_is_not_swept(client: Client) -> None:
    _, _, events = await finished(client)
    database = client.app.state.database
    assert await database.write(journal_repository.sweep, now() - timedelta(hours=1)) == 0
    assert await database.write(journal_repository.sweep, now() + timedelta(hours=1)) == len(events)
    assert await database.write(journal_repository.sweep, now() + timedelta(hours=1)) == 0


@pytest.mark.parametrize(
    "sent", ["abc", "-1", "1.5", "", "１", "1 2", "99999999999", "9" * 400, "0x1", "1,2", "2147483648"]
)
async def test_a_place_that_is_none_is_422(client: Client, sent: str) -> None:
    _, task_id, _ = await finished(client, tokens=1)
    headers = {"Last-Event-ID": sent}
    answer = await client.get(place_of(task_id), headers=headers)
    assert answer.status == 422
    assert answer.body["detail"][0]["loc"] == ["header", "last-event-id"]


async def test_beyond_the_last_event_is_422(client: Client) -> None:
    _, task_id, events = await finished(client, tokens=1)
    for after in (len(events) + 1, 2**31 - 1):
        answer = await client.get(place_of(task_id), headers={"Last-Event-ID": str(after)})
        assert answer.error == "invalid_input"


async def test_a_task_that_is_none_is_404(client: Client) -> None:
    assert (await client.get(place_of(UNKNOWN))).error == "generation_not_found"
    assert (await client.get(place_of(UNKNOWN), headers={"Last-Event-ID": "5"})).status == 404
    assert (await client.get(place_of("not a task"))).status == 422


async def test_joining_never_asks_the_model_again(start_server: StartServer) -> None:
    async with scripted(start_server, reply("一", "二", "三")) as it:
        chat_id, events = await it.reply()
        task_id = events[1].data["task_id"]
        for after in (0, 2, len(events)):
            await it.client.stream(place_of(task_id), after=after)
        assert len(it.requests()) == 1
        assert len(await it.client.messages(chat_id)) == 2


async def test_who_joins_what_is_read_here_reads_the_same(
    watched: Callable[[Client], WatchedDatabase], start_server: StartServer
) -> None:
    """A thousand who join one reply have its events once, also those who come after its end."""
    async with start_server() as client:
        chat_id = (await client.conversation())["uuid"]
        readings = 0

        async def count(work: Callable[..., Any]) -> None:
            nonlocal readings
            readings += work is service._replay

        watched(client).after = count
        body = asked(chat_id, tokens=30, rate=300)
        async with client.open_stream("/chat/messages/stream", body) as stream:
            place = place_of(stream.task_id)
            joined = [asyncio.create_task(client.stream(place)) for _ in range(5)]
            events = [event async for event in stream]
        assert [await each for each in joined] == [events] * 5
        assert readings == 0
        feeds = client.app.state.engine.feeds
        assert not feeds._whole, "nobody reads it any more"

        found = await client.app.state.database.read(service._found, LOCAL_USER_ID, stream.task_id)
        assert await client.stream(place) == events
        kept = feeds.whole(found.generation_id, [b"as a reader who is not done has it"])
        assert feeds.get(found.generation_id) is kept
        assert feeds.whole(found.generation_id, [b"as the next one has read it"]) is kept
        with pytest.raises(InvalidInput):
            await service.attach(
                client.app.state.database, client.app.state.engine, LOCAL_USER_ID, stream.task_id, after=99
            )
        assert readings == 2


async def test_what_was_missed_of_another_process_is_read(client: Client) -> None:
    left = await abandon(client, (await client.conversation())["uuid"], "一", "二")
    db, engine = client.app.state.database, client.app.state.engine
    found = await db.read(service._found, LOCAL_USER_ID, left.task_id)
    stored = await db.read(service._replay, LOCAL_USER_ID, left.task_id)
    feed = engine.watch.open(found.generation_id, found.owner)
    feed.extend(1, stored.frames[:2], ended=False)
    joined = await service.attach(db, engine, LOCAL_USER_ID, left.task_id)
    assert joined.feed is feed
    assert feed.frames == stored.frames
    engine.feeds.close_elsewhere()


async def test_a_retried_send_joins_the_first(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    body, headers = asked(chat_id, tokens=60, rate=300), {"Idempotency-Key": "the same"}
    sends = [client.stream("/chat/messages/stream", body, headers=headers) for _ in range(10)]
    answers = await asyncio.gather(*sends)
    assert all(answer == answers[0] for answer in answers)
    assert await client.stream("/chat/messages/stream", body, headers=headers) == answers[0]
    await stored(client, chat_id, answers[0])
    assert len(await client.messages(chat_id)) == 2


@pytest.mark.parametrize("refusal", ["too_many_generations", "shutting_down"])
async def test_a_retry_needs_no_room_for_what_runs(start_server: StartServer, refusal: str) -> None:
    async with start_server(max_generations=1) as client:
        chat_id = (await client.conversation())["uuid"]
        engine = client.app.state.engine
        body, headers = asked(chat_id, tokens=60, rate=100), {"Idempotency-Key": "the same"}
        async with client.open_stream("/chat/messages/stream", body, headers=headers) as stream:
            engine._draining = refusal == "shutting_down"
            again = asyncio.create_task(client.stream("/chat/messages/stream", body, headers=headers))
            for other in ({"Idempotency-Key": "another"}, {}):
                answer = await client.post("/chat/messages/stream", body, headers=other)
                assert (answer.status, answer.error) == (503, refusal)
            changed = asked(chat_id, "另一句")
            answer = await client.post("/chat/messages/stream", changed, headers=headers)
            assert answer.error == "idempotency_key_reused"
            events = [event async for event in stream]
        assert await again == events
        assert await client.stream("/chat/messages/stream", body, headers=headers) == events
        await stored(client, chat_id, events)
        assert len(await client.messages(chat_id)) == 2


async def test_retries_at_once_need_one_room(start_server: StartServer) -> None:
    """Who finds no room joins what is stored; who came before that is refused, and joins on asking again."""
    async with start_server(max_generations=1) as client:
        chat_id = (await client.conversation())["uuid"]
        body, headers = asked(chat_id, tokens=30, rate=300), {"Idempotency-Key": "the same"}
        sends = [client.post("/chat/messages", body, headers=headers) for _ in range(5)]
        refused = [answer for answer in await asyncio.gather(*sends) if answer.status != 200]
        assert {answer.error for answer in refused} <= {"too_many_generations"}
        assert len(refused) < 5
        assert (await client.post("/chat/messages", body, headers=headers)).status == 200
        assert len(await client.messages(chat_id)) == 2
        assert client.app.state.engine._admitted == 0


@pytest.mark.parametrize("reading", [service._found, service._replay])
async def test_an_end_that_comes_while_somebody_joins_is_not_missed(
    watched: Callable[[Client], WatchedDatabase], start_server: StartServer, reading: Callable[..., Any]
) -> None:
    """What ends an abandoned run is told once: a reader between its reading and its waiting must hear it."""
    async with start_server() as client:
        chat_id = (await client.conversation())["uuid"]
        left = await abandon(client, chat_id, "一半")

        async def recover_after_reading(work: Callable[..., Any]) -> None:
            if work is reading:
                await recovery_of(client).recover()

        watched(client).after = recover_after_reading
        async with asyncio.timeout(5):
            events = await client.stream(place_of(left.task_id))
        assert lawful(events)["error"] == "generation_interrupted"
        assert not client.app.state.engine.feeds._feeds
