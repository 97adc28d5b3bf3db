"""Connections cut at random bytes, and requests sent again and again, over three workers."""

import argparse
import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.api import Api
from benchmarks.crowd import crowd
from benchmarks.fault_cluster import Count, cluster, left, lost
from benchmarks.figures import percentile
from benchmarks.guarantees import Row
from benchmarks.processes import Stage, stage
from benchmarks.streams import calls
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
        nothing_left = await left(on)
    p95 = percentile(found.waits, 95) * 1000
    return [
        wanted.completed(lost("G2 exactly-once resume", found, f"{wanted.of(cuts)} cuts"), cuts),
        Row("G2 first byte after a resume, p95", "<= 100 ms", f"{p95:.0f} ms", p95 <= 100),
        nothing_left,
    ]


def _script() -> dict[str, Any]:
    return {"tokens": 120, "rate": 60}


async def retried(given: argparse.Namespace) -> list[Row]:
    """The same request eight times at once, and the first one fifty times; some keys at once."""
    async with stage() as beside, cluster(given, **_asking(beside)) as on:
        server = await on.server()
        async with Api(server.port) as api:
            chats = [await api.conversation() for _ in range(given.keys)]
        wanted = Count(given.keys, given.bound)
        asked: dict[str, bool] = {}

        async def some() -> None:
            while wanted.wants(len(asked)):
                times = _OTHERS if asked else _FIRST
                asked[key := chats[len(asked)]] = True
                asked[key] = await _differ(server.port, key, times)

        await asyncio.gather(*(some() for _ in range(given.at_once)))
        wrong, doubled = sum(asked.values()), await _not_once(on.url, list(asked))
        paid = [len(await calls(beside.upstream.port, key)) for key in asked]
    keys = f"{doubled} of {wanted.of(len(asked))} keys"
    measured = f"{keys}, {wrong} answered differently, {_OTHERS} or {_FIRST} at once"
    is_once = set(paid) == {1}
    if not is_once:
        measured += f"; the model was asked {Counter(paid)} times"
    row = Row("G3 a retry never duplicates", "0 duplicates", measured, is_once and doubled + wrong == 0)
    return [wanted.completed(row, len(asked))]


def _asking(beside: Stage) -> dict[str, str]:
    """The environment of servers whose only model is the upstream there, which counts."""
    return {"OPENAI_BASE_URL": beside.upstream_url, "DUIHUA_DEFAULT_MODEL": "bench"}


async def _differ(port: int, key: str, times: int) -> bool:
    """Ask by one key so many times at once; whether the answers differ."""
    body = {"chat_id": key, "content": "问", "config": {"upstream": {"chunks": 3, "key": key}}}
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
