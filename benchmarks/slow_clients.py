"""Clients that never read: what each costs the server, when it is dropped, and that it can resume.

A thousand follow ten long replies and take nothing, with the smallest receive buffer that Linux gives. The
resident memory of the server is compared with the same ten replies that only their own clients follow: all
that it keeps for a client counts, not what the kernel keeps. Then each reads what the kernel still had for
it, and resumes after the last whole event.
"""

import argparse
import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from benchmarks.api import STREAM, Api, join
from benchmarks.guarantees import Row
from benchmarks.sse_client import Exchange, Mismatch, check_whole, get, open_exchange, parse, post
from benchmarks.watched_server import WatchedServer, watched_server
from tests.faults.silent import Silent

_REPLIES = 10
# About 600 kB of text in eight seconds: many times what the kernel buffers for a client that reads nothing.
_SCRIPT = {"tokens": 100_000, "rate": 12_500}
_KIB = 1024
Seen = tuple[int, bytes]
_MOST_KIB = 64
_STUCK_SECONDS = 30.0
# Of the replies, the last bytes that the kernel takes come some seconds after their end.
_DROPPED_SECONDS = _STUCK_SECONDS + 15


async def silent(given: argparse.Namespace) -> list[Row]:
    """Memory, dropping and resuming; and that nothing is left of them."""
    async with watched_server() as server:
        # So that every connection to the database that there will be is there.
        replies = await _replies(server)
        joined = [join(server.port, str(reply.task_id), 0) for reply in replies * 5]
        await _ended([*replies, *await asyncio.gather(*joined)])
        alone = await _most_resident(server, _ended(await _replies(server)))
        await asyncio.sleep(3)
        before = await server.now()
        replies = await _replies(server)
        followed = [str(replies[number % _REPLIES].task_id) for number in range(given.silent)]
        clients = [Silent() for _ in followed]
        for client, task_id in zip(clients, followed, strict=True):
            await client.ask(server.port, get(server.port, f"{STREAM}/{task_id}"))
        most = await _most_resident(server, _ended(replies))
        ended = time.monotonic()
        left = await server.settled(before, _DROPPED_SECONDS)
        seconds, more = time.monotonic() - ended, left.more_than(before)
        each = (most - alone) / given.silent / _KIB
        whole = {str(reply.task_id): [event[:2] for event in parse(reply.blocks)] for reply in replies}
        lost = await _resumed(server.port, clients, [(task_id, whole[task_id]) for task_id in followed])
    name = f"{given.silent} clients that never read"
    return [
        Row(f"G13 {name}: memory of each", f"<= {_MOST_KIB} KiB", f"{each:.1f} KiB", each <= _MOST_KIB),
        Row(
            f"G13 {name}: dropped",
            f"<= {_DROPPED_SECONDS:g} s",
            f"{seconds:.0f} s",
            seconds <= _DROPPED_SECONDS,
        ),
        Row(f"G13 {name}: left of them", "nothing", more or "nothing", not more),
        Row(f"G13 {name}: resumed", "0 lost or repeated", f"{len(lost)} of {len(clients)}", not lost),
    ]


async def _replies(server: WatchedServer) -> list[Exchange]:
    """Replies that have begun, each read by the client that asked."""
    exchanges = []
    async with Api(server.port) as api:
        for _ in range(_REPLIES):
            chat_id = await api.conversation(model_id="offline")
            body = {"chat_id": chat_id, "content": "数", "config": {"offline": _SCRIPT}}
            exchanges.append(await open_exchange(server.port, post(server.port, STREAM, body)))
    for exchange in exchanges:
        if await exchange.head != 200:
            raise Mismatch(f"status {exchange.status}: {exchange.rest!r:.200}")
    return exchanges


async def _ended(replies: Sequence[Exchange]) -> None:
    """Wait for the end of each."""
    for reply in replies:
        await reply.ended
        check_whole(parse(reply.blocks))


async def _most_resident(server: WatchedServer, until: Coroutine[Any, Any, None]) -> int:
    """The most bytes until that is over."""
    most, over = 0, asyncio.create_task(until)
    while not over.done():
        most = max(most, (await server.now()).resident)
        await asyncio.wait([over], timeout=0.5)
    await over
    return most


async def _resumed(
    port: int, clients: Sequence[Silent], followed: Sequence[tuple[str, list[Seen]]]
) -> list[str]:
    """What is wrong with what each saw in the end: nothing may be."""
    at_once = asyncio.Semaphore(20)

    async def one(client: Silent, task_id: str, whole: list[Seen]) -> str:
        async with at_once:
            frames = await asyncio.wait_for(client.read(), 60)
            again = await join(port, task_id, len(frames))
            await again.ended
        seen = [(frame.event.id, frame.raw.partition(b"data: ")[2][:-2]) for frame in frames]
        seen += [event[:2] for event in parse(again.blocks)]
        return "" if seen == whole else f"{len(frames)} and {len(again.blocks)} of {len(whole)} events"

    asked = (one(client, *of) for client, of in zip(clients, followed, strict=True))
    return [problem for problem in await asyncio.gather(*asked) if problem]
