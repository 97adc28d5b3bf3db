"""The bus between processes by itself: what comes from elsewhere, and what happens while it connects."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from redis.asyncio import Redis
from structlog.testing import capture_logs

from duihua.realtime.bus import Committed, State, said_by
from duihua.realtime.redis_bus import RedisBus
from tests.fixtures.redis import PrivateRedis

TOPIC = said_by("b")
OTHER = said_by("c")


class Ears:
    """What a listener was told."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.asked_to_look = 0

    def __call__(self, ids: Sequence[int]) -> None:
        self.heard.extend(ids)
        self.asked_to_look += not ids


@asynccontextmanager
async def bus(
    redis: PrivateRedis, name: str, **topics: Callable[[Sequence[int]], None]
) -> AsyncIterator[RedisBus]:
    """Opened, whether Redis is there or not."""
    made = RedisBus(redis.url, name)
    for owner, heard in topics.items():
        made.listen(said_by(owner), heard)
    made.open()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def lines() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as captured:
        yield captured


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.005)


async def becomes(made: RedisBus, state: State) -> None:
    await until(lambda: made.state == state)


def said(owner: str, number: int) -> Committed:
    return Committed(number, 1, [b""], ended=False, owner=owner)


async def listening(redis: PrivateRedis) -> list[dict[str, str]]:
    """The connections that listen."""
    async with Redis.from_url(redis.url) as asking:
        return list(await asking.client_list("pubsub"))


@pytest.mark.parametrize(
    "foreign",
    [
        b"\x92\xa1\xff\x90",
        b"",
        b"\xc1",
        "甲".encode(),
        b"\x92\xa1a\x91\xa1a",
        b"\x92\xa1a\xdd\xff\xff\xff\xff",
    ],
    ids=["no UTF-8", "nothing", "no MessagePack", "text", "no numbers", "too short"],
)
async def test_a_foreign_message_is_passed_over(redis: PrivateRedis, foreign: bytes) -> None:
    ears = Ears()
    async with bus(redis, "a", b=ears) as a, bus(redis, "b", asked=Ears()) as b:
        await becomes(a, "ok")
        await becomes(b, "ok")
        async with Redis.from_url(redis.url) as stranger:
            assert await stranger.publish(f"duihua:{TOPIC}", foreign) == 1
        b.publish(said("b", 7))
        await until(lambda: 7 in ears.heard)
        assert a.state == "ok"


async def test_a_mistake_of_who_listens_is_told_and_outlived(
    redis: PrivateRedis, lines: list[MutableMapping[str, Any]]
) -> None:
    ears = Ears()

    def heard(ids: Sequence[int]) -> None:
        ears(ids)
        if list(ids) == [1]:
            raise LookupError("no such thing")

    async with bus(redis, "a", b=heard) as a, bus(redis, "b", asked=Ears()) as b:
        await becomes(a, "ok")
        await becomes(b, "ok")
        b.publish(said("b", 1))
        await becomes(a, "degraded")
        (line,) = [line for line in lines if line["event"].startswith("the bus failed")]
        assert line["log_level"] == "error"
        assert line["exc_info"] is True, "with its traceback"
        await becomes(a, "ok")
        b.publish(said("b", 2))
        await until(lambda: 2 in ears.heard)
        assert ears.asked_to_look == 2


async def test_what_is_asked_for_while_it_connects_is_heard(redis: PrivateRedis) -> None:
    """And what is no longer asked for is not."""
    ears, dropped = Ears(), Ears()
    async with bus(redis, "b", asked=Ears()) as b:
        await becomes(b, "ok")
        redis.freeze()
        async with bus(redis, "a", asked=Ears(), c=dropped) as a:
            await asyncio.sleep(0.2)
            a.listen(TOPIC, ears)
            a.unlisten(OTHER)
            redis.thaw()
            await becomes(a, "ok")
            await until(lambda: ears.asked_to_look == 1)
            async with Redis.from_url(redis.url) as asking:
                assert dict(await asking.pubsub_numsub(f"duihua:{TOPIC}", f"duihua:{OTHER}")) == {
                    f"duihua:{TOPIC}".encode(): 1,
                    f"duihua:{OTHER}".encode(): 0,
                }
            await becomes(b, "ok")
            b.publish(said("b", 3))
            await until(lambda: ears.heard == [3])


async def test_what_is_asked_for_as_a_connection_ends_makes_no_second_one(redis: PrivateRedis) -> None:
    ears = Ears()

    async with bus(redis, "b", asked=Ears()) as b, bus(redis, "a") as a:

        def heard(ids: Sequence[int]) -> None:
            if ids:
                a.listen(OTHER, ears)
                raise LookupError("no such thing")

        a.listen(TOPIC, heard)
        await becomes(b, "ok")
        await becomes(a, "ok")
        assert len(await listening(redis)) == 2
        b.publish(said("b", 1))
        await becomes(a, "degraded")
        await until(lambda: ears.asked_to_look > 0)
        await becomes(a, "ok")
        assert len(await listening(redis)) == 2


async def test_a_connection_is_lost_alike_under_uvloop(
    redis: PrivateRedis, lines: list[MutableMapping[str, Any]]
) -> None:
    """There it is a RuntimeError to write to one that is closed: no bug of ours, and no traceback."""

    async def lost() -> None:
        async with bus(redis, "a", asked=Ears()) as a:
            await becomes(a, "ok")
            (connection,) = a._redis.connection_pool._available_connections
            connection._writer.transport.abort()
            await asyncio.sleep(0.01)
            a.publish(said("a", 1))
            await becomes(a, "degraded")
            await becomes(a, "ok")

    await asyncio.to_thread(uvloop.run, lost())
    (line,) = [line for line in lines if "the database instead" in line["event"]]
    assert line["log_level"] == "warning"
    assert "the handler is closed" in line["reason"]
