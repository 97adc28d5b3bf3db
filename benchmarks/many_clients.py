"""A thousand streams at once, and ten thousand connections that are reset: memory is bounded.

Memory is what of the server's process is resident. After everything the server must have no more
tasks, connections and open files than before (`watched_server`).
"""

import argparse
import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from benchmarks.api import STREAM, Api
from benchmarks.guarantees import Row
from benchmarks.sse_client import Exchange, get, open_exchange, post
from benchmarks.watched_server import Watched, WatchedServer, watched_server

_MOST_KIB = 64
_SETTLING_SECONDS = 30.0
# What the kernel sends when a socket with this option is closed is RST.
_RESET = struct.pack("ii", 1, 0)
Begin = Callable[[WatchedServer, Api], Awaitable[Exchange]]


async def idle(given: argparse.Namespace) -> list[Row]:
    """Streams whose model says nothing more, and streams of changes."""
    return [
        *await _opened("replies that wait for their model", given.open, _waiting_reply),
        *await _opened("streams of changes", given.open, _changes),
    ]


async def _waiting_reply(server: WatchedServer, api: Api) -> Exchange:
    return await _reply(server.port, api, {"tokens": 9, "hang_after": 1})


async def _changes(server: WatchedServer, _: Api) -> Exchange:
    return await _begun(server.port, get(server.port, "/chat/events"))


async def _opened(what: str, number: int, begin: Begin) -> list[Row]:
    """What each of the last nine in ten takes while all are open, at a server that had no others before."""
    async with watched_server() as server, Api(server.port) as api:
        # At once, so that every connection to the database that there will be is there.
        await _gone(server, await asyncio.gather(*(begin(server, api) for _ in range(50))))
        before = await server.settled(await server.now(), 6)
        exchanges = [await begin(server, api) for _ in range(number // 10)]
        resident = (await server.now()).resident
        exchanges += [await begin(server, api) for _ in range(number - number // 10)]
        each = ((await server.now()).resident - resident) / (number - number // 10) / 1024
        await _gone(server, exchanges)
        after = await server.settled(before, _SETTLING_SECONDS)
    name = f"{number} {what}"
    return [
        Row(f"G13 {name}: memory of each", f"<= {_MOST_KIB} KiB", f"{each:.1f} KiB", each <= _MOST_KIB),
        _nothing_left(name, after, before),
    ]


async def _gone(server: WatchedServer, exchanges: Sequence[Exchange]) -> None:
    for exchange in exchanges:
        exchange.close()
    await _stop_all(server.port)


async def _stop_all(port: int) -> None:
    async with Api(port) as api:
        await api.call("POST", "/chat/terminate")


async def _reply(port: int, api: Api, script: dict[str, Any]) -> Exchange:
    body = {"chat_id": await api.conversation(), "content": "数", "config": {"offline": script}}
    return await _begun(port, post(port, STREAM, body))


async def _begun(port: int, request: bytes) -> Exchange:
    exchange = await open_exchange(port, request)
    await exchange.first
    assert exchange.status == 200, exchange.rest
    return exchange


async def resets(given: argparse.Namespace) -> list[Row]:
    """Connections that are reset: at once, within a head, a body or an answer, and while a reply streams."""
    async with watched_server() as server, Api(server.port) as api:
        followed = await _reply(server.port, api, {"tokens": 1_000_000, "rate": 20})
        requests = _requests(server.port, str(followed.task_id))
        await _reset(server.port, requests, given.resets // 10)
        before = await server.settled(await server.now(), 1)
        await _reset(server.port, requests, given.resets)
        after = await server.settled(before, _SETTLING_SECONDS)
        grown = (after.resident - before.resident) / given.resets
        health = await api.call("GET", "/health")
        followed.close()
    return [
        _nothing_left(f"{given.resets} connections that were reset", after, before),
        Row(
            f"G13 {given.resets} resets: memory kept of each",
            "<= 1 KiB",
            f"{grown / 1024:.2f} KiB",
            grown <= 1024,
        ),
        Row("G13 the server afterwards", "healthy", str(health["status"]), health["status"] == "ok"),
    ]


def _requests(port: int, task_id: str) -> list[bytes]:
    whole = [
        get(port, f"{STREAM}/{task_id}"),
        get(port, "/chat/conversations/list"),
        get(port, "/chat/events"),
        post(port, "/chat/utils/generate-title", {"content": "x" * 50_000}),
    ]
    return [b"", whole[0][:30], whole[3][:-1_000], whole[3][:2_000], *whole]


async def _reset(port: int, requests: Sequence[bytes], number: int) -> None:
    """So many, twenty at a time, each a moment after it has sent what it sends."""
    left = iter(range(number))

    async def some() -> None:
        loop = asyncio.get_running_loop()
        for count in left:
            with socket.socket() as client:
                client.setblocking(False)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                await loop.sock_connect(client, ("127.0.0.1", port))
                await loop.sock_sendall(client, requests[count % len(requests)])
                await asyncio.sleep(random.choice((0, 0.002, 0.02)))

    await asyncio.gather(*(some() for _ in range(20)))


def _nothing_left(what: str, after: Watched, before: Watched) -> Row:
    more = after.more_than(before)
    return Row(f"G13 {what}: left tasks, connections, files", "none", more or "none", not more)
