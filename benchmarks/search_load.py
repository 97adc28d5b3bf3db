"""What search costs others: the message that is written, and the event loop that streams."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import insert, select

from benchmarks.figures import middle, percentile
from duihua.core.clock import now
from duihua.core.ids import new_uuid
from duihua.db.session import Database, Session
from duihua.models import Conversation, Message
from duihua.schemas.search import SearchQuery
from duihua.search import service
from duihua.search_index import repository

_WRITES = 200
_SEARCHERS = 8
_SECONDS = 8.0
_BEAT = 0.005
_STREAMS = 20
_TOKEN = 0.02
_TEXT = "这是一条新消息，里面有一些常用的字，也有 English words，用来看看写入要多久。" * 2


class Writes(NamedTuple):
    """Milliseconds of a transaction that adds one message, in the middle."""

    plain: float
    indexed: float


class Stalls(NamedTuple):
    """Milliseconds by which the event loop is late, 99th percentile."""

    idle: float
    searching: float


async def writes(database: Database) -> Writes:
    """One message to a transaction, with its document and without, in turns."""
    elapsed: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * _WRITES):
        began = time.perf_counter()
        await database.write(_add, is_indexed=bool(number % 2))
        elapsed[bool(number % 2)].append((time.perf_counter() - began) * 1000)
    return Writes(middle(elapsed[False]), middle(elapsed[True]))


def _add(session: Session, *, is_indexed: bool) -> None:
    chat = session.scalar(select(Conversation.id).where(Conversation.user_id == 1).limit(1))
    moment = now()
    values = {
        "uuid": new_uuid(),
        "user_id": 1,
        "conversation_id": chat,
        "role": "user",
        "content": _TEXT,
        "created_at": moment,
        "updated_at": moment,
    }
    result = session.connection().execute(insert(Message.__table__).returning(Message.__table__.c.id), values)
    row_id = result.scalar_one()
    if is_indexed:
        repository.refresh_messages(session, [row_id])


class Gaps(NamedTuple):
    """Milliseconds between two tokens of a stream: median and 99th percentile."""

    p50: float
    p99: float


async def stalls(database: Database, words: Sequence[str]) -> Stalls:
    """How late the loop is alone, and while eight search without a pause and messages are written."""
    idle = await _late(_SECONDS / 2)
    async with _searching(database, words):
        return Stalls(idle, await _late(_SECONDS))


async def gaps(database: Database, words: Sequence[str]) -> tuple[Gaps, Gaps]:
    """Of twenty streams with a token every 20 ms on this loop: alone, and beside the same load.

    What is written meanwhile makes FTS5 merge its segments, as it does with every few messages.
    """
    alone = await _gaps(_SECONDS / 2)
    async with _searching(database, words):
        return alone, await _gaps(_SECONDS)


@asynccontextmanager
async def _searching(database: Database, words: Sequence[str]) -> AsyncIterator[None]:
    working = [asyncio.create_task(_search(database, words[at::_SEARCHERS])) for at in range(_SEARCHERS)]
    working.append(asyncio.create_task(_write(database)))
    try:
        yield
    finally:
        for task in working:
            task.cancel()
        ended = await asyncio.gather(*working, return_exceptions=True)
    # One that failed has not been the load that is claimed.
    for outcome in ended:
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome


async def _gaps(seconds: float) -> Gaps:
    arrivals = await asyncio.gather(*(_stream(at, seconds) for at in range(_STREAMS)))
    between = [(later - earlier) * 1000 for times in arrivals for earlier, later in pairwise(times)]
    return Gaps(percentile(between, 50), percentile(between, 99))


async def _stream(place: int, seconds: float) -> list[float]:
    """When each token came to its reader."""
    tokens: asyncio.Queue[str | None] = asyncio.Queue()

    async def say() -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time() + _TOKEN * place / _STREAMS
        for number in range(int(seconds / _TOKEN)):
            # By the clock, as a model speaks: one late token makes no other late.
            await asyncio.sleep(begin + number * _TOKEN - loop.time())
            tokens.put_nowait("字")
        tokens.put_nowait(None)

    saying = asyncio.create_task(say())
    arrived = []
    while await tokens.get() is not None:
        arrived.append(time.perf_counter())
    await saying
    return arrived


async def _late(seconds: float) -> float:
    late = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await asyncio.sleep(_BEAT)
        late.append((time.perf_counter() - began - _BEAT) * 1000)
    return percentile(late, 99)


async def _search(database: Database, words: Sequence[str]) -> None:
    while True:
        for word in words:
            await service.find(database, 1, SearchQuery(keyword=word))


async def _write(database: Database) -> None:
    while True:
        await database.write(_add, is_indexed=True)
        await asyncio.sleep(0.01)
