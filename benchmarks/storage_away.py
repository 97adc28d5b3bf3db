"""PostgreSQL and Redis, each of our own: cut off, silent, killed, restarted, gone for a minute, busy."""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import aiohttp
import asyncpg

from benchmarks.fault_cluster import WORKERS, lost
from benchmarks.guarantees import Row, in_time
from tests.faults import scenarios
from tests.faults.driver import Server, servers
from tests.faults.proxy import Proxy, proxy
from tests.fixtures.postgres_server import PrivatePostgres, private_postgres
from tests.fixtures.redis import PrivateRedis, private_redis

Accident = Callable[[], Awaitable[None]]
_AWAY_SECONDS, _CUT_EVERY_SECONDS = 60.0, 5.0
_RATE = 25
# PostgreSQL is down for so long when it is restarted.
_RESTART_SECONDS = 5.0
# So many at once, at three workers of two connections each.
_IN_LINE, _BUSY_SECONDS = 60, 30.0


class Storage(NamedTuple):
    """Three workers, and what they stand on, behind a proxy each."""

    server: Server
    postgres: PrivatePostgres
    before_postgres: Proxy
    redis: PrivateRedis
    before_redis: Proxy


@asynccontextmanager
async def _storage(**options: str) -> AsyncIterator[Storage]:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            private_postgres() as postgres,
            proxy(postgres.port) as before_postgres,
            private_redis(Path(folder)) as redis,
            proxy(redis.port) as before_redis,
        ):
            url = f"postgresql://postgres@127.0.0.1:{before_postgres.port}/postgres"
            environment = {
                "DUIHUA_WORKERS": WORKERS,
                "REDIS_URL": f"redis://127.0.0.1:{before_redis.port}/0",
                **options,
            }
            async with servers(Path(folder), url, **environment) as started:
                server = await started.start()
                yield Storage(server, postgres, before_postgres, redis, before_redis)


async def storages(given: argparse.Namespace) -> list[Row]:
    """Accidents of a moment."""
    rows = []
    async with _storage() as on:
        accidents = _accidents(on.postgres, on.before_postgres) | _of_redis(on.redis, on.before_redis)
        for name, accident in accidents.items():
            found = await scenarios.with_storage_accident(on.server, on.postgres.url, given.streams, accident)
            rows.append(lost(f"G14 {name}", found, f"longest silence {found.silence:.1f} s"))
    return rows


def _accidents(postgres: PrivatePostgres, between: Proxy) -> dict[str, Accident]:
    async def kill() -> None:
        postgres.kill()
        await asyncio.sleep(1)
        await postgres.start()

    return {
        "PostgreSQL cut off": partial(scenarios.sever, between, 5),
        "PostgreSQL silent for 3 s": partial(scenarios.stall, between, 3),
        "PostgreSQL's sessions ended": partial(scenarios.terminate_backends, postgres.url),
        "PostgreSQL killed": kill,
    }


def _of_redis(redis: PrivateRedis, between: Proxy) -> dict[str, Accident]:
    async def kill() -> None:
        await redis.kill()
        await asyncio.sleep(1)
        await redis.start()

    return {
        "Redis cut off": partial(scenarios.sever, between, 5),
        "Redis silent for 3 s": partial(scenarios.stall, between, 3),
        "Redis flushed": redis.flush,
        "Redis killed": kill,
    }


async def redis_away(given: argparse.Namespace) -> list[Row]:
    """Redis is gone for a minute, in which every connection of a client is cut, again and again."""
    async with (
        _storage() as on,
        proxy(on.server.port) as between,
        scenarios.asking(on.server, on.postgres.url) as clients,
    ):
        tokens = int(_RATE * (_AWAY_SECONDS + 15))
        await clients.ask(given.streams, through=between, tokens=tokens, rate=_RATE)
        await asyncio.sleep(2)
        await on.redis.kill()
        until = time.monotonic() + _AWAY_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(_CUT_EVERY_SECONDS)
            between.sever()
        await on.redis.start()
        found = await clients.outcome(time.monotonic(), patience=60)
    promise = f"G14 Redis away for {_AWAY_SECONDS:g} s"
    shown = {**found.ends, **found.refusals}
    return [
        lost(promise, found, f"{len(found.gaps)} times at another worker, or the same"),
        Row(f"{promise}: errors shown", "0", f"{shown}", set(shown) == {"complete"}),
        in_time(f"{promise}: a client resumes", max(found.gaps), 2),
        in_time(f"{promise}: longest silence", found.silence, 2),
    ]


async def postgres_restarted(given: argparse.Namespace) -> list[Row]:
    """PostgreSQL is stopped as an administrator would, and started again; replies go on."""
    async with _storage() as on, scenarios.asking(on.server, on.postgres.url) as clients:
        await clients.ask(given.streams, tokens=int(_RATE * (_RESTART_SECONDS + 25)), rate=_RATE)
        await asyncio.sleep(2)
        on.postgres.stop()
        await asyncio.sleep(_RESTART_SECONDS)
        await on.postgres.start()
        returned = time.monotonic()
        found = await clients.outcome(returned, patience=90)
        resumed = max(
            min(at for at in client.heard if at > returned) - returned for client in clients.clients
        )
    promise = f"G14 PostgreSQL restarted, {_RESTART_SECONDS:g} s away"
    return [
        lost(promise, found, f"{dict(found.ends)}, refusals: {dict(found.refusals)}"),
        in_time(f"{promise}: every reply goes on after its return", resumed, 10),
    ]


async def pool_exhausted(given: argparse.Namespace) -> list[Row]:
    """A table is locked, so that every connection but those of replies under way waits for it."""
    statuses: Counter[str] = Counter()
    slowest = 0.0

    async def ask(session: aiohttp.ClientSession, until: float) -> None:
        nonlocal slowest
        while (began := time.monotonic()) < until:
            async with session.get(f"http://127.0.0.1:{on.server.port}/chat/groups") as response:
                await response.read()
            slowest = max(slowest, time.monotonic() - began)
            wait = response.headers.get("Retry-After", "0" if response.status == 200 else "none")
            statuses[f"{response.status}{' (no Retry-After)' if wait == 'none' else ''}"] += 1
            await asyncio.sleep(0 if wait == "none" else float(wait))

    async with (
        _storage(DUIHUA_DATABASE_CONNECTIONS="2") as on,
        scenarios.asking(on.server, on.postgres.url) as clients,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        await clients.ask(given.streams, tokens=int(_RATE * (_BUSY_SECONDS + 10)), rate=_RATE)
        await asyncio.sleep(2)
        async with _locked(on.postgres.url):
            until = time.monotonic() + _BUSY_SECONDS
            await asyncio.gather(*(ask(session, until) for _ in range(_IN_LINE)))
        told, hung, released = dict(statuses), slowest, time.monotonic()
        while statuses["200"] < _IN_LINE:
            await asyncio.gather(*(ask(session, time.monotonic() + 0.01) for _ in range(_IN_LINE)))
        recovered = time.monotonic() - released
        found = await clients.outcome(released, patience=60)
    promise = f"G14 no connection is free for {_BUSY_SECONDS:g} s"
    return [
        Row(f"{promise}: {_IN_LINE} at once are told", "503, Retry-After", f"{told}", set(told) == {"503"}),
        in_time(f"{promise}: an answer takes", hung, 15),
        in_time(f"{promise}: {_IN_LINE} are served again after", recovered, 5),
        lost(f"{promise}: replies under way", found, f"longest silence {found.silence:.1f} s"),
    ]


@asynccontextmanager
async def _locked(url: str) -> AsyncIterator[None]:
    """Nobody can read the groups."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE chat_groups IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()
