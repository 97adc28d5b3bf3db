"""What one worker runs, another joins, resumes and stops: with Redis, without it, and while it is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from duihua.generation import engine as engines
from duihua.generation import watch
from tests.cluster.conftest import Workers
from tests.faults.proxy import Proxy, proxy
from tests.fixtures.client import Client, Event
from tests.fixtures.redis import PrivateRedis
from tests.generation.asking import asked, until
from tests.generation.laws import lawful, stored

STREAM = "/chat/messages/stream"
TEXT = "甲说的话，乙也听得到。🌏 " * 8


@asynccontextmanager
async def polling_slowly(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Whatever is quick now, a notice has done it."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 30.0)
    monkeypatch.setattr(engines, "REQUEST_POLL_SECONDS", 30.0)
    yield


async def connected(*clients: Client) -> None:
    """Wait until the workers hear each other."""
    async with asyncio.timeout(10):
        while any(client.app.state.bus.state != "ok" for client in clients):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)


async def joined(client: Client, task_id: str, after: int | None = None) -> list[Event]:
    async with asyncio.timeout(20):
        return await client.stream(f"{STREAM}/{task_id}", after=after)


async def check_join_resume_and_stop(a: Client, b: Client, least_events: int) -> None:
    """A stream of `a` from its beginning and from its middle at `b`; another one stopped at `b`."""
    chat_id = (await a.conversation())["uuid"]
    body = asked(chat_id, text=TEXT, rate=80)
    async with a.open_stream(STREAM, body) as stream:
        seen = await until(stream, "chunk")
        at_b = asyncio.create_task(joined(b, stream.task_id))
        middle = asyncio.create_task(joined(b, stream.task_id, after=seen[-1].id))
        seen += [event async for event in stream]
        assert await at_b == seen
        assert await middle == seen[seen.index(next(e for e in seen if e.data["type"] == "chunk")) + 1 :]
    assert lawful(seen)["content"] == TEXT
    assert len(seen) >= least_events
    await stored(b, chat_id, seen)
    async with a.open_stream(STREAM, asked(chat_id, hang_after=3)) as stream:
        seen = await until(stream, "chunk")
        answer = await b.post(f"{STREAM}/cancel?task_id={stream.task_id}")
        assert answer.data["state"] == "cancelled"
        seen += [event async for event in stream]
    assert (await stored(b, chat_id, seen))["state"] == "cancelled"


async def test_with_redis_notices_are_enough(
    workers: Workers, redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with polling_slowly(monkeypatch), workers(2, redis_url=redis.url) as (a, b):
        await connected(a, b)
        began = time.monotonic()
        await check_join_resume_and_stop(a, b, least_events=10)
        assert time.monotonic() - began < 15, "that was no notice"
        # Nobody follows anything any more: nobody is listened to.
        async with asyncio.timeout(10):
            while await _listened_to(redis):  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.05)
        assert not b.app.state.engine.feeds.elsewhere


async def _listened_to(redis: PrivateRedis) -> list[bytes]:
    """The topics of replies that some worker listens to."""
    async with Redis.from_url(redis.url) as asking:
        return list(await asking.pubsub_channels("duihua:said:*"))


async def test_without_redis_it_is_the_same(workers: Workers) -> None:
    async with workers(2) as (a, b):
        await check_join_resume_and_stop(a, b, least_events=10)
        assert (await b.get("/ready")).data["redis"] == "not used"


Accident = Callable[[PrivateRedis, Proxy], Any]


async def _restarted(redis: PrivateRedis) -> None:
    await redis.kill()
    await redis.start()


# What is done to it, and how that is put right again; some of it must be awaited.
ACCIDENTS: dict[str, tuple[Accident, Accident]] = {
    "killed": (lambda redis, _: redis.kill(), lambda redis, _: redis.start()),
    "frozen": (lambda redis, _: redis.freeze(), lambda redis, _: redis.thaw()),
    "flushed": (lambda redis, _: redis.flush(), lambda *_: None),
    "restarted": (lambda redis, _: _restarted(redis), lambda *_: None),
    "cut off": (lambda _, between: between.sever(), lambda *_: None),
    "stalled": (lambda _, between: between.stall(), lambda _, between: between.flow()),
}


async def _done(doing: Awaitable[None] | None) -> None:
    if doing is not None:
        await doing


@pytest.mark.parametrize("accident", ACCIDENTS)
async def test_redis_may_go_in_the_middle(workers: Workers, redis: PrivateRedis, accident: str) -> None:
    happens, is_repaired = ACCIDENTS[accident]
    async with (
        proxy(redis.port) as between,
        workers(2, redis_url=f"redis://127.0.0.1:{between.port}") as (a, b),
    ):
        await connected(a, b)
        chat_id = (await a.conversation())["uuid"]
        async with a.open_stream(STREAM, asked(chat_id, text=TEXT, rate=100)) as stream:
            seen = await until(stream, "chunk")
            at_b = asyncio.create_task(joined(b, stream.task_id))
            await asyncio.sleep(0.2)
            await _done(happens(redis, between))
            seen += [event async for event in stream]
            assert await at_b == seen
        assert lawful(seen)["content"] == TEXT
        await check_join_resume_and_stop(a, b, least_events=5)
        await _done(is_repaired(redis, between))
        await connected(a, b)
        assert (await a.get("/ready")).data["redis"] == "ok"


async def test_redis_need_not_be_there_at_all(workers: Workers, redis: PrivateRedis) -> None:
    await redis.kill()
    async with workers(2, redis_url=redis.url) as (a, b):
        await check_join_resume_and_stop(a, b, least_events=5)
        ready = await a.get("/ready")
        assert ready.data["status"] == "ok"
        assert ready.data["redis"] == "degraded"


@pytest.mark.parametrize("with_redis", [True, False])
async def test_what_another_worker_deletes_is_no_longer_generated(
    workers: Workers, redis: PrivateRedis, with_redis: bool
) -> None:
    async with workers(2, redis_url=redis.url if with_redis else None) as (a, b):
        if with_redis:
            await connected(a, b)
        chats = [(await a.conversation())["uuid"] for _ in range(2)]
        async with (
            a.open_stream(STREAM, asked(chats[0], hang_after=3)) as deleted,
            a.open_stream(STREAM, asked(chats[1], hang_after=3)) as cleared,
        ):
            for stream in (deleted, cleared):
                await until(stream, "chunk")
            await b.delete(f"/chat/conversations/{chats[0]}")
            await b.delete(f"/chat/conversations/{chats[1]}/messages")
            async with asyncio.timeout(5):
                for stream in (deleted, cleared):
                    assert [event async for event in stream][-1].data["type"] == "cancelled"


async def test_terminate_stops_runs_of_every_worker(workers: Workers, redis: PrivateRedis) -> None:
    async with workers(3, redis_url=redis.url) as (a, b, c):
        await connected(a, b, c)
        streams = []
        for worker in (a, b):
            chat_id = (await worker.conversation())["uuid"]
            streams.append(asyncio.create_task(worker.stream(STREAM, asked(chat_id, hang_after=3))))
        async with asyncio.timeout(5):
            while sum(len(worker.app.state.engine.alive) for worker in (a, b)) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await c.post("/chat/terminate")).data["cancelled_count"] == 2
        for task in streams:
            assert (await task)[-1].data["type"] == "cancelled"
        assert not a.app.state.engine.alive
        assert not b.app.state.engine.alive


async def test_a_stopping_worker_sends_followers_of_other_runs_away(workers: Workers) -> None:
    """They come back to another worker; the run does not notice."""
    async with workers(2) as (a, b):
        chat_id = (await a.conversation())["uuid"]
        async with a.open_stream(STREAM, asked(chat_id, text=TEXT, rate=100)) as stream:
            seen = await until(stream, "chunk")
            async with b.open_stream(f"{STREAM}/{stream.task_id}") as follower:
                half = await until(follower, "chunk")
                await b.app.state.engine.drain(0)
                half += [event async for event in follower]
            assert half[-1].data["type"] == "chunk"
            rest = await joined(a, stream.task_id, after=half[-1].id)
            seen += [event async for event in stream]
            assert half + rest == seen


async def test_who_stops_sends_followers_of_others_away(workers: Workers) -> None:
    """Or they come back by the connection that they have, and keep it."""
    async with workers(2) as (a, b):
        chat_id = (await a.conversation())["uuid"]
        async with a.open_stream(STREAM, asked(chat_id, tokens=12_000, rate=20)) as stream:
            await until(stream, "chunk")
            await b.app.state.engine.drain(0)
            refused = await b.get(f"{STREAM}/{stream.task_id}")
            assert (refused.status, refused.error) == (503, "unavailable")
            assert refused.headers["Retry-After"] == "1"
            await a.post("/chat/terminate")
