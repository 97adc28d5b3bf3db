"""Accidents, each with replies running: what clients saw of them, and what the database holds afterwards.

Each returns an `Outcome`; the tests ask for a few replies, `benchmarks.faults` for many.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg

from tests.faults.driver import Server, Servers, client_of
from tests.faults.history import Insistent, differences, held
from tests.faults.proxy import Proxy, proxy
from tests.fixtures.client import PatientClient

_SCATTERED_SECONDS = 10.0


class Outcome(NamedTuple):
    """What an accident did: differences between what was seen and what is kept, and how replies ended.

    `seconds` is from the accident to the last end; `gaps` are seconds that clients were without an answer,
    `waits` the same without their own pauses, `silence` the longest that one of them heard nothing.
    """

    differences: list[str]
    ends: Counter[str]
    events: int
    seconds: float
    gaps: list[float]
    waits: list[float]
    silence: float
    refusals: Counter[str]


class Asking:
    """Clients with a reply each, under way."""

    def __init__(self, server: Server, database_url: str) -> None:
        self._server, self._database_url = server, database_url
        self.ports = [server.port]
        self.clients: list[Insistent] = []
        self._following: list[asyncio.Task[None]] = []

    async def conversations(self, number: int) -> list[str]:
        """The names of so many new ones."""
        async with client_of(self._server, PatientClient) as client:
            return [(await client.conversation())["uuid"] for _ in range(number)]

    async def ask(self, number: int, *, through: Proxy | None = None, **script: Any) -> None:
        """So many more, `through` a proxy."""
        ports = self.ports if through is None else [through.port]
        new = [Insistent(ports, chat_id, **script) for chat_id in await self.conversations(number)]
        self.clients += new
        self._following += [asyncio.create_task(client.follow()) for client in new]

    async def scatter(self, between: Proxy) -> None:
        """Cut every connection once: whoever is free takes the next, so that most replies run elsewhere.

        What gaps there are afterwards come from what happens then.
        """
        async with asyncio.timeout(_SCATTERED_SECONDS):
            while not all(client.hears(_SCATTERED_SECONDS) for client in self.clients):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            between.sever()
            while not all(client.gaps or client.end for client in self.clients):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.02)
        for client in self.clients:
            client.gaps.clear()
            client.waits.clear()

    async def owners(self) -> Counter[str]:
        """How many replies each worker has taken."""
        stored = await held(self._database_url)
        return Counter(run.owner for client in self.clients for run in stored.get(client.chat_id, ()))

    async def outcome(self, since: float, patience: float) -> Outcome:
        """Wait for every end; compare."""
        async with asyncio.timeout(patience):
            await asyncio.gather(*self._following)
        return await outcome_of(self.clients, self._database_url, since)

    def close(self) -> None:
        for task in self._following:
            task.cancel()


async def outcome_of(clients: Sequence[Insistent], database_url: str, since: float) -> Outcome:
    """Of clients that have their end, compared with the database."""
    return Outcome(
        differences(clients, await held(database_url)),
        Counter(client.end for client in clients),
        sum(len(client.frames) for client in clients),
        max(client.ended_at for client in clients) - since,
        [gap for client in clients for gap in client.gaps],
        [wait for client in clients for wait in client.waits],
        max(client.silence for client in clients),
        sum((client.refusals for client in clients), Counter()),
    )


@asynccontextmanager
async def asking(server: Server, database_url: str) -> AsyncIterator[Asking]:
    """Clients of `server`; `database_url` is where to look, past any proxy."""
    asking = Asking(server, database_url)
    try:
        yield asking
    finally:
        asking.close()


async def kill_and_freeze(server: Server, database_url: str, streams: int, seconds: float = 0) -> Outcome:
    """Of three workers one is killed, and one frozen so long, or until others end its runs; it wakes then."""
    killed, frozen, _ = server.workers
    async with asking(server, database_url) as clients:
        # Whoever is free takes a connection: asked again until each worker has replies to lose.
        while len(await clients.owners()) < 3 or len(clients.clients) < streams:
            await clients.ask(6, tokens=100, rate=25)
        await asyncio.sleep(0.5)
        os.kill(frozen, signal.SIGSTOP)
        os.kill(killed, signal.SIGKILL)
        began = time.monotonic()
        outcome = await clients.outcome(began, patience=40)
        await asyncio.sleep(began + seconds - time.monotonic())
        before = await held(database_url)
        os.kill(frozen, signal.SIGCONT)
        # Long enough for a tick, a round of recovery, and the ends of its runs.
        await asyncio.sleep(4)
        if await held(database_url) != before:
            outcome.differences.append("the worker that was frozen has written")
    return outcome


async def kill_all(started: Servers, server: Server, database_url: str, streams: int) -> Outcome:
    """Every process is killed at once, and a new server is asked, on a port of its own."""
    async with asking(server, database_url) as clients:
        await clients.ask(streams, tokens=100, rate=25)
        await asyncio.sleep(random.uniform(0.5, 3.0))
        for pid in (server.pid, *server.workers):
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        again = await started.start()
        clients.ports[:] = [again.port]
        return await clients.outcome(began, patience=60)


async def renew(server: Server, database_url: str, streams: int, **script: Any) -> Outcome:
    """Every worker is replaced by a new one while replies run, and some are asked for.

    Most of the first half are followed at another worker: who follows at one that ends has to come back.
    """
    async with proxy(server.port) as between, asking(server, database_url) as clients:
        await clients.ask(streams // 2, through=between, **script)
        await clients.scatter(between)
        began = time.monotonic()
        server.renew()
        for _ in server.workers:
            await clients.ask(streams // 2 // len(server.workers), **script)
            await server.said("a worker was renewed")
        return await clients.outcome(began, patience=120)


async def with_storage_accident(
    server: Server, database_url: str, streams: int, accident: Callable[[], Awaitable[None]]
) -> Outcome:
    """Something happens to the database or to Redis while replies run, most followed at another worker."""
    async with proxy(server.port) as between, asking(server, database_url) as clients:
        await clients.ask(streams, through=between, tokens=150, rate=25)
        await clients.scatter(between)
        began = time.monotonic()
        await accident()
        return await clients.outcome(began, patience=60)


async def sever(between: Proxy, times: int) -> None:
    """Reset every connection to the database, again and again."""
    for _ in range(times):
        between.sever()
        await asyncio.sleep(0.3)


async def stall(between: Proxy, seconds: float) -> None:
    """Let nothing through for a while."""
    between.stall()
    await asyncio.sleep(seconds)
    between.flow()


async def terminate_backends(database_url: str) -> None:
    """End every session of this database, as an administrator may."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


def tolerable(refusals: Sequence[str]) -> bool:
    """Whether what clients were told meanwhile is what they may be told: come again."""
    return all(refusal == "no connection" or refusal.startswith("503 ") for refusal in refusals)
