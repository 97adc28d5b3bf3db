"""`GET /chat/events`: every change once, in order, whichever worker made it and whichever is asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from duihua.auth import dependencies as auth
from duihua.changes import repository
from duihua.core.clock import now
from duihua.db.session import Session
from duihua.live import follow
from duihua.models import Change
from tests.cluster.conftest import Workers
from tests.faults.listener import Listener, get, listen
from tests.fixtures.client import Client, Event
from tests.fixtures.rows import add_stranger
from tests.generation.asking import asked

EVENTS = "/chat/events"


@asynccontextmanager
async def following(client: Client, after: int | None = None) -> AsyncIterator[Listener]:
    port = int(client.origin.rpartition(":")[2])
    headers = {} if after is None else {"Last_Event_ID": str(after)}
    listener = await listen(port, get(EVENTS, **headers))
    try:
        yield listener
    finally:
        listener._transport.abort()


async def first(listener: Listener, number: int) -> list[Event]:
    """The first so many events."""
    async with asyncio.timeout(20):
        while len(listener.frames()) < number:
            assert not listener.ended.done(), listener.body
            await asyncio.wait({listener._waiting})
    return [frame.event for frame in listener.frames()[:number]]


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.data["type"], event.data["act"]) for event in events if "act" in event.data]


async def test_a_second_device_follows(client: Client) -> None:
    async with following(client) as device:
        (start,) = await first(device, 1)
        assert start.data == {"type": "start"}
        chat_id = (await client.conversation(title="新"))["uuid"]
        said = await client.say(chat_id)
        await client.put(f"/chat/conversations/{chat_id}", {"title": "旧"})
        await client.delete(f"/chat/conversations/{chat_id}")
        events = await first(device, 7)
    assert [event.id for event in events] == list(range(start.id, start.id + 7))
    assert told(events) == [
        ("conversation", "created"),
        ("message", "created"),
        ("message", "created"),
        ("message", "changed"),
        ("conversation", "changed"),
        ("conversation", "deleted"),
    ]
    _, made, question, begun, ended, *_ = (event.data for event in events)
    assert made == {"type": "conversation", "act": "created", "chat_id": chat_id}
    assert question["message_id"] == said["message_id"]
    assert (begun["role"], begun["state"], begun["task_id"]) == ("assistant", "streaming", said["task_id"])
    assert (ended["message_id"], ended["state"]) == (begun["message_id"], "complete")


async def test_it_goes_on_after_the_last_event(client: Client) -> None:
    for title in "甲乙丙":
        await client.conversation(title=title)
    async with following(client) as device:
        newest = (await first(device, 1))[0].id
    async with following(client, newest - 2) as device:
        events = await first(device, 3)
    assert [event.id for event in events] == [newest - 2, newest - 1, newest]
    assert told(events) == [("conversation", "created")] * 2


@pytest.mark.parametrize("beyond", [True, False])
async def test_what_is_not_kept_is_said(client: Client, beyond: bool) -> None:
    await client.conversation()
    await client.conversation()
    db = client.app.state.database
    newest = (await db.read(repository.newest, [1]))[1]
    if not beyond:
        await db.write(repository.sweep, now() + timedelta(hours=1))
    async with following(client, newest + 1 if beyond else newest - 1) as device:
        assert await first(device, 1) == [Event(newest, {"type": "reset"})]
    async with following(client, newest) as device:
        assert await first(device, 1) == [Event(newest, {"type": "start"})]


@pytest.mark.parametrize("kept", [0, 2])
async def test_whoever_is_overtaken_by_the_sweep_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    db, live = client.app.state.database, client.app.state.live
    device = live.follow(1, None)
    start = await anext(device)
    for _ in range(4):
        await client.conversation()
    monkeypatch.setattr(repository, "KEPT_PER_USER", kept)
    await db.write(repository.sweep, now() - timedelta(hours=1))
    async with asyncio.timeout(10):
        assert [frame async for frame in device] == []
    after = int(start.split()[1])
    again = live.follow(1, after)
    assert b"reset" in await anext(again)
    await again.aclose()


async def test_the_record_is_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        await client.conversation()
    monkeypatch.setattr(repository, "KEPT_PER_USER", 3)
    db = client.app.state.database
    await db.write(repository.sweep, now() - timedelta(hours=1))
    record = await db.read(repository.since, 1, 0, 10)
    assert [seq for seq, _ in record.rows] == [record.last - 2, record.last - 1, record.last]


async def test_what_is_kept_has_no_gap_whatever_the_clocks_say(client: Client) -> None:
    """One worker's clock was ahead; and another user's record is swept as far as if there were no other."""
    db = client.app.state.database
    stranger = (await db.write(add_stranger)).user
    for _ in range(6):
        await client.conversation()
    last, hour = (await db.read(repository.newest, [1]))[1], timedelta(hours=1)

    def age(session: Session) -> None:
        session.execute(update(Change).values(created_at=now() - 2 * hour))
        session.execute(update(Change).where(Change.seq == last - 3).values(created_at=now()))
        row = {"user_id": stranger, "seq": 1, "payload": "{}", "created_at": now() - 2 * hour}
        session.execute(insert(Change), [row])

    await db.write(age)
    while await db.write(repository.sweep, now() - hour):
        pass
    kept = (await db.read(repository.since, 1, 0, 10)).rows
    assert [seq for seq, _ in kept] == list(range(last - 3, last + 1))
    assert not (await db.read(repository.since, stranger, 0, 10)).rows


async def test_it_is_swept_in_portions(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        await client.conversation()
    db = client.app.state.database
    last = (await db.read(repository.newest, [1]))[1]
    monkeypatch.setattr(repository, "_SWEPT_AT_ONCE", 2)
    swept = [await db.write(repository.sweep, now() + timedelta(hours=1)) for _ in range(last)]
    assert (sum(swept), max(swept), swept[-1]) == (last, 2, 0)


async def test_what_failed_is_not_told(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    db = client.app.state.database
    before = await db.read(repository.newest, [1])
    body = asked(chat_id) | {"files": ["no-such-file"]}
    assert (await client.post("/chat/messages", body)).status == 404
    assert await db.read(repository.newest, [1]) == before


async def test_a_stranger_hears_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = (await client.app.state.database.write(add_stranger)).user
    monkeypatch.setattr(auth, "LOCAL_USER_ID", stranger)
    async with following(client) as device:
        await first(device, 1)
        monkeypatch.undo()
        await client.conversation()
        async with following(client, 0) as mine:
            await first(mine, 2)
        assert len(device.frames()) == 1
    record: Any = await client.app.state.database.read(repository.since, stranger, 0, 10)
    assert not record.rows


async def test_a_bad_place_is_refused(client: Client) -> None:
    assert (await client.get(EVENTS, headers={"Last-Event-ID": "x"})).status == 422


async def test_nothing_comes_but_pings(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PING_SECONDS", 0.05)
    async with following(client) as device, asyncio.timeout(20):
        while b": ping\n\n" not in device.body:
            await asyncio.wait({device._waiting})


async def test_a_bug_ends_following_until_the_next_ping(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell, met = follow.Live._tell, []

    def broken_once(*args: Any) -> None:
        if not met:
            met.append(args)
            raise ValueError("a bug")
        tell(*args)

    monkeypatch.setattr(follow.Live, "_tell", broken_once)
    monkeypatch.setattr(follow, "PING_SECONDS", 0.5)
    async with following(client) as device:
        await first(device, 1)
        async with asyncio.timeout(20):
            while not met:  # noqa: ASYNC110 - what ends the wait is no event
                await asyncio.sleep(0.02)
        await client.conversation()
        assert told(await first(device, 2)) == [("conversation", "created")]


async def test_changes_of_all_workers_come_in_one_order(workers: Workers) -> None:
    """Without Redis, written at once by two workers; a worker that stops sends its followers to another."""
    async with workers(2) as (a, b):
        async with following(a) as at_a, following(b) as at_b:
            start = (await first(at_a, 1))[0].id
            await first(at_b, 1)
            await asyncio.gather(*(worker.conversation() for worker in (a, b) * 10))
            seen = await first(at_a, 21)
            assert seen == await first(at_b, 21)
            assert [event.id for event in seen] == list(range(start, start + 21))
            a.app.state.live.close()
            async with asyncio.timeout(10):
                assert await at_a.ended
        async with following(b, seen[10].id) as resumed:
            assert (await first(resumed, 11))[1:] == seen[11:]
