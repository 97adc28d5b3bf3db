"""The bus between processes: Redis pub/sub, one small message per topic and turn of the loop.

What is published goes to listeners of this process at once, whatever Redis does. Sending never waits and
never fails: while Redis does not take anything, notices are dropped, and readers find out by looking.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from duihua.realtime.bus import (
    EVERYBODY,
    Committed,
    Heard,
    LocalBus,
    Notice,
    Requested,
    State,
    asked_of,
    said_by,
)

log = structlog.get_logger()
# A Redis that takes longer for one command is as good as away.
ANSWER_SECONDS = 2.0
# In silence, the connection that listens is tried so often: a half-open one is found.
SILENCE_SECONDS = 5.0
# Where nobody listens, so long nothing more is said but requests: whoever begins to listen looks first.
UNHEARD_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
_PREFIX = "duihua:"
_UNREACHABLE = (RedisError, OSError, TimeoutError)
# Calls what it is given when it has seen that Redis is well.
_Work = Callable[[Callable[[], None]], Awaitable[None]]
# `PubSub.subscribe` or `PubSub.unsubscribe`.
_Change = Callable[[PubSub, str], Awaitable[Any]]


class RedisBus(LocalBus):
    """See `Bus`. `name` is this process's."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__()
        self._name = name
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._outgoing: dict[str, set[int]] = {}
        self._something = asyncio.Event()
        self._urgent = asyncio.Event()
        self._heard: dict[str, Heard] = {}
        self._pubsub: PubSub | None = None
        self._sends = self._receives = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def state(self) -> State:
        """See `Bus.state`."""
        return "ok" if self._sends and self._receives else "degraded"

    def open(self) -> None:
        """See `Bus.open`; Redis need not be there."""
        self._tasks = [
            asyncio.create_task(_insist(self._send, self._sending), name="redis-send"),
            asyncio.create_task(_insist(self._receive, self._receiving), name="redis-listen"),
        ]

    async def close(self) -> None:
        """See `Bus.close`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    def publish(self, notice: Notice) -> None:
        """See `Bus.publish`."""
        super().publish(notice)
        if not self._sends:
            return
        if isinstance(notice, Committed):
            self._outgoing.setdefault(said_by(notice.owner), set()).add(notice.generation_id)
        else:
            topic = asked_of(notice.owner) if isinstance(notice, Requested) else EVERYBODY
            self._outgoing.setdefault(topic, set())
            self._urgent.set()
        self._something.set()

    def listen(self, topic: str, heard: Heard) -> None:
        """See `Bus.listen`."""
        self._heard[topic] = heard
        self._change(PubSub.subscribe, topic)

    def unlisten(self, topic: str) -> None:
        """See `Bus.unlisten`."""
        del self._heard[topic]
        self._change(PubSub.unsubscribe, topic)

    def _change(self, change: _Change, topic: str) -> None:
        # Without a connection there is nothing to change: the next one begins with all topics.
        if self._pubsub is not None:
            task = asyncio.create_task(self._changed(self._pubsub, change, topic))
            self._tasks.append(task)
            task.add_done_callback(self._tasks.remove)

    async def _changed(self, pubsub: PubSub, change: _Change, topic: str) -> None:
        # Closed since it was asked for, it would connect again, and nobody would read.
        if pubsub is not self._pubsub:
            return
        # Whoever reads from this connection meets the same, and begins anew.
        with suppress(*_UNREACHABLE), _lost_alike():
            await change(pubsub, _PREFIX + topic)

    def _sending(self, well: bool) -> None:
        self._sends = well

    def _receiving(self, well: bool) -> None:
        self._receives = well

    async def _send(self, well: Callable[[], None]) -> None:
        await _answer(self._redis.ping())
        well()
        while True:
            await self._something.wait()
            self._something.clear()
            self._urgent.clear()
            outgoing, self._outgoing = self._outgoing, {}
            pipeline = self._redis.pipeline(transaction=False)
            for topic, ids in outgoing.items():
                pipeline.publish(_PREFIX + topic, msgspec.msgpack.encode((self._name, sorted(ids))))
            if not any(await _answer(pipeline.execute())):
                with suppress(TimeoutError):
                    async with asyncio.timeout(UNHEARD_SECONDS):
                        await self._urgent.wait()

    async def _receive(self, well: Callable[[], None]) -> None:
        async with self._redis.pubsub() as pubsub:
            topics = set(self._heard)
            await pubsub.subscribe(*(_PREFIX + topic for topic in topics))
            self._pubsub = pubsub
            try:
                # What was asked for while it connected could not be changed then.
                for topic in self._heard.keys() - topics:
                    self._change(PubSub.subscribe, topic)
                for topic in topics - self._heard.keys():
                    self._change(PubSub.unsubscribe, topic)
                while True:
                    message = await pubsub.get_message(timeout=SILENCE_SECONDS)
                    well()
                    if message is None:
                        await self._try(pubsub)
                    else:
                        self._take(message)
            finally:
                self._pubsub = None

    async def _try(self, pubsub: PubSub) -> None:
        await pubsub.ping()
        if await pubsub.get_message(timeout=ANSWER_SECONDS) is None:
            raise TimeoutError("Redis does not answer")

    def _take(self, message: dict[str, Any]) -> None:
        topic = (message["channel"] or b"").decode().removeprefix(_PREFIX)
        heard = self._heard.get(topic)
        if heard is None:
            return
        if message["type"] == "subscribe":
            # From now on it is heard; what was said before may not have been.
            heard(())
        elif message["type"] == "message":
            sender, ids = _unpack(message["data"])
            if sender != self._name:
                heard(ids)


async def _answer(command: Awaitable[Any]) -> Any:
    async with asyncio.timeout(ANSWER_SECONDS):
        return await command


def _unpack(data: bytes) -> tuple[str, Sequence[int]]:
    try:
        return msgspec.msgpack.decode(data, type=tuple[str, list[int]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ()


@contextmanager
def _lost_alike() -> Iterator[None]:
    """What is written to a closed connection is a ConnectionError in asyncio, in uvloop a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if "the handler is closed" not in str(error):
            raise
        raise ConnectionResetError(str(error)) from error


async def _insist(work: _Work, tell: Callable[[bool], None]) -> None:
    """Do `work`, which does not end by itself; again after a growing pause, whatever ended it."""
    pause = FIRST_PAUSE_SECONDS

    def well() -> None:
        nonlocal pause
        pause = FIRST_PAUSE_SECONDS
        tell(True)

    while True:
        try:
            with _lost_alike():
                await work(well)
        except _UNREACHABLE as error:
            log.warning("Redis does not answer; looking into the database instead", reason=str(error))
        except Exception:
            log.exception("the bus failed; looking into the database instead")
        tell(False)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
