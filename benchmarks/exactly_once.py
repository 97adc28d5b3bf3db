"""Connections cut at random bytes, and requests sent again and again, over three workers."""

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.crowd import crowd
from benchmarks.fault_cluster import Count, cluster, lost
from benchmarks.figures import percentile
from benchmarks.guarantees import Row
from tests.faults import scenarios
from tests.faults.history import STREAM, held
from tests.faults.listener import Listener, listen, post
from tests.faults.proxy import PLACES, Cut, Proxy, proxy

_PATIENCE_SECONDS = 120.0
_FIRST, _OTHERS = 50, 8


class Cutting(Proxy):
    """Cuts each connection somewhere."""

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = random.choice(list(PLACES))
        self.cut = Cut(place, random.randrange(1500), resets=random.random() < 0.5)
        super().accept(reader, writer)


async def cut(given: argparse.Namespace) -> list[Row]:
    """Connections cut at random bytes; whichever worker is free answers the next one."""
    async with cluster(given) as on:
        server = await on.server()
        async with proxy(server.port, Cutting) as between, crowd(given.at_once, _script) as clients:
            clients.ports.append(between.port)
            wanted = Count(given.cuts, given.bound)
            while wanted.wants(between.cuts.total()):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.2)
            found = await clients.outcome(on.url, time.monotonic(), _PATIENCE_SECONDS)
            cuts = between.cuts.total()
    p95 = percentile(found.gaps, 95) * 1000
    return [
        wanted.completed(lost("G2 exactly-once resume", found, f"{wanted.of(cuts)} cuts"), cuts),
        Row("G2 first byte after a resume, p95", "<= 100 ms", f"{p95:.0f} ms", p95 <= 100),
    ]


def _script() -> dict[str, Any]:
    return {"tokens": 120, "rate": 60}


async def retried(given: argparse.Namespace) -> list[Row]:
    """The same request eight times at once, and the first one fifty times; some keys at once."""
    async with cluster(given) as on:
        server = await on.server()
        async with scenarios.asking(server, on.url) as clients:
            chats = await clients.conversations(given.keys)
        wanted = Count(given.keys, given.bound)
        asked: dict[str, bool] = {}

        async def some() -> None:
            while wanted.wants(len(asked)):
                times = _OTHERS if asked else _FIRST
                asked[key := chats[len(asked)]] = True
                asked[key] = await _differ(server.port, key, times)

        await asyncio.gather(*(some() for _ in range(given.at_once)))
        wrong, doubled = sum(asked.values()), await _not_once(on.url, list(asked))
    keys = f"{doubled} of {wanted.of(len(asked))} keys"
    measured = f"{keys}, {wrong} answered differently, {_OTHERS} or {_FIRST} at once"
    row = Row("G3 a retry never duplicates", "0 duplicates", measured, doubled + wrong == 0)
    return [wanted.completed(row, len(asked))]


async def _differ(port: int, key: str, times: int) -> bool:
    """Ask by one key so many times at once; whether the answers differ."""
    body = {"chat_id": key, "content": "问", "config": {"offline": {"tokens": 3, "rate": 0}}}
    request = post(STREAM, body, key=key)
    answers = await asyncio.gather(*(_answer(port, request) for _ in range(times)))
    return len({answer.seen() for answer in answers}) != 1


async def _answer(port: int, request: bytes) -> Listener:
    """The whole answer; a busy server is asked again, when it said, as any client does."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            answer = await listen(port, request)
            is_whole = await answer.ended
            if answer.status != 503:
                break
            await asyncio.sleep(float(answer.headers["retry-after"]))
    assert is_whole, answer.body
    assert answer.status == 200, answer.body
    return answer


async def _not_once(database_url: str, chats: Sequence[str]) -> int:
    """In how many conversations there is not exactly one question."""
    stored = await held(database_url)
    return sum(len(stored.get(chat_id, ())) != 1 for chat_id in chats)
