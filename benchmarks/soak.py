"""Mixed work for hours: memory does not grow, and no task, file or connection is left.

People, each in one conversation after the other: they ask and hear the reply, resume it from its middle,
leave another and stop it, search, edit, share, import, upload, and delete the conversation. First the caches
of the database are filled, which SQLite does by itself within the first hours (16 MiB a connection). Resident
memory is looked at every five seconds; the first fifth is warm-up. Growth is the slope of a line through the
rest (Theil-Sen: the median of the slopes between any two), as a part of the memory in an hour. An hour is the
least that says something: of minutes, it is the allocator's noise.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from itertools import combinations, count
from statistics import median
from typing import Any

import aiohttp

from benchmarks.api import STREAM, Api, join
from benchmarks.guarantees import Row
from benchmarks.sse_client import Exchange, check_whole, open_exchange, parse, post
from benchmarks.watched_server import WatchedServer, watched_server
from tests.transfer.test_import import archive, encoded, form_of

_PEOPLE = 8
_PAGES, _PAGE_BYTES = 2_000, 4_000
_LOOK_SECONDS = 5.0
_WARM_UP = 0.2
_MOST_PERCENT = 1.0
_SETTLING_SECONDS = 60.0
_numbers = count(1)


async def soak(given: argparse.Namespace) -> list[Row]:
    """So many hours."""
    seconds = given.soak_hours * 3600
    async with watched_server() as server:
        await _filled(server)
        await _worked(server, time.monotonic() + 5)
        before = await server.settled(await server.now(), 5)
        working = asyncio.create_task(_worked(server, time.monotonic() + seconds))
        looks = []
        while not working.done():
            await asyncio.wait([working], timeout=_LOOK_SECONDS)
            looks.append((time.monotonic(), (await server.now()).resident))
        rounds = await working
        more = (await server.settled(before, _SETTLING_SECONDS)).more_than(before)
    grown = growth(looks[int(len(looks) * _WARM_UP) :])
    first, last = (looks[at][1] / 2**20 for at in (int(len(looks) * _WARM_UP), -1))
    measured = f"{grown:+.2f} %/h in {seconds / 60:.0f} min, {rounds} rounds, {first:.1f} to {last:.1f} MiB"
    return [
        Row("G13 mixed work: growth of memory", f"< {_MOST_PERCENT:g} %/h", measured, grown < _MOST_PERCENT),
        Row("G13 mixed work: left tasks, connections, files", "none", more or "none", not more),
    ]


def growth(looks: Sequence[tuple[float, int]]) -> float:
    """Percent an hour of (seconds, bytes)."""
    every = looks[:: max(1, len(looks) // 500)]
    slopes = [(b - a) / (later - earlier) for (earlier, a), (later, b) in combinations(every, 2)]
    return median(slopes) * 3600 / median(size for _, size in every) * 100 if slopes else 0.0


async def _filled(server: WatchedServer) -> None:
    """More than the caches of all connections hold, written, and read by all of them."""
    async with Api(server.port) as api:
        texts = (random.randbytes(_PAGE_BYTES).hex() for _ in range(_PAGES))
        whole = encoded(
            *(archive({"uuid": str(number), "content": text}) for number, text in enumerate(texts))
        )
        await api.call("POST", "/chat/import", form_of(whole))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        for _ in range(3):
            await asyncio.gather(*(_read(session, "/chat/export/all") for _ in range(_PEOPLE)))


async def _read(session: aiohttp.ClientSession, path: str) -> None:
    async with session.get(path) as answer:
        assert answer.status == 200
        await answer.read()


async def _worked(server: WatchedServer, until: float) -> int:
    """How many rounds there have been."""

    async def person() -> int:
        rounds = 0
        async with Api(server.port) as api:
            while time.monotonic() < until:
                await _round(server.port, api)
                rounds += 1
        return rounds

    return sum(await asyncio.gather(*(person() for _ in range(_PEOPLE))))


async def _round(port: int, api: Api) -> None:
    chat_id = await api.conversation(title=f"第 {next(_numbers)} 个", model_id="offline")
    reply = await _asked(port, chat_id, {"tokens": random.randint(20, 400), "rate": 400})
    await reply.ended
    check_whole(parse(reply.blocks))
    again = await join(port, str(reply.task_id), len(reply.blocks) // 2)
    await again.ended
    left = await _asked(port, chat_id, {"tokens": 100_000, "rate": 50})
    left.close()
    await api.call("POST", "/chat/messages/stream/cancel", {"task_id": left.task_id})
    for path in (f"/chat/search?keyword={reply.task_id}", "/chat/conversations/list", "/chat/models/stats"):
        await api.call("GET", path)
    await api.messages(chat_id)
    await api.call("PUT", f"/chat/conversations/{chat_id}", {"title": "改名"})
    await api.call("POST", f"/chat/conversations/{chat_id}/share", {})
    await api.call("POST", "/chat/import", form_of(encoded(archive({"uuid": "q"}))))
    await api.call("POST", "/chat/upload", form_of(random.randbytes(9).hex().encode()))
    await api.call("DELETE", f"/chat/conversations/{chat_id}")
    await api.call("DELETE", "/chat/trash", {"ids": [chat_id]})


async def _asked(port: int, chat_id: str, script: dict[str, Any]) -> Exchange:
    """A reply that has begun."""
    body = {"chat_id": chat_id, "content": "数", "config": {"offline": script}}
    exchange = await open_exchange(port, post(port, STREAM, body))
    await exchange.first
    return exchange
