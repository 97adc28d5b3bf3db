"""Time added to the first token, with one stream at a time.

    python -m benchmarks.first_token [--requests 250]

The upstream itself, the pass-through and Duihua take turns, one request each. The clock runs from the
client's request, on a new connection, to the arrival of the first event that holds text; the upstream
writes its first token at once. Duihua stores the question and commits the token before it shows it: with
`synchronous=full` it waits twice for the disk. What one such wait takes is measured in between.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.api import Api, ask_model, say
from benchmarks.figures import percentile, ratio, table, verdict
from benchmarks.processes import Setting, stage
from benchmarks.sse_client import Exchange, open_exchange

MOST_MS = {50: 5.0, 99: 20.0}
_WARMING = 20
_COMMIT_BYTES = 16 * 1024
_SCRIPT = {"chunks": 3, "rate": 100}


async def first(port: int, request: bytes) -> float:
    """Milliseconds until text, on a new connection."""
    exchange = await open_exchange(port, request)
    await exchange.ended
    at = next(
        at for block, at in zip(exchange.blocks, exchange.times, strict=True) if _holds_text(exchange, block)
    )
    return (at - exchange.asked_at) * 1000


def _holds_text(exchange: Exchange, block: bytes) -> bool:
    return exchange.task_id is None or b'"type":"chunk"' in block


def _sync(file: Path) -> float:
    """Milliseconds until so much as a commit writes is on the disk."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        began = time.perf_counter()
        os.write(descriptor, bytes(_COMMIT_BYTES))
        os.fdatasync(descriptor)
        return (time.perf_counter() - began) * 1000
    finally:
        os.close(descriptor)


async def _long_chat(api: Api, turns: int) -> str:
    chat_id = await api.conversation()
    for number in range(turns):
        await first(api.port, say(api.port, chat_id, f"turn {number}", {"chunks": 20, "rate": 0}))
    return chat_id


async def measure(requests: int, turns: int) -> int:
    """Take turns; print the table."""
    long = f"duihua, after {2 * turns} messages"
    names = ("upstream", "pass-through", "duihua, normal", "duihua, full", long, "the disk alone")
    times: dict[str, list[float]] = {name: [] for name in names}
    async with stage() as on:
        proxy, server = await on.start_passthrough(), await on.start_server()
        quick = await on.start_server("normal", Setting({"DUIHUA_SYNCHRONOUS": "normal"}))
        async with Api(server.port) as api, Api(quick.port) as other:
            for number in range(requests + _WARMING):
                if number % 10 == 0:  # Each question makes it longer.
                    long_chat = await _long_chat(api, turns)
                question = f"question {number}"
                chats = await other.conversation(), await api.conversation()
                asked = [
                    *((port, ask_model(port, question, _SCRIPT)) for port in (on.upstream.port, proxy.port)),
                    (quick.port, say(quick.port, chats[0], question, _SCRIPT)),
                    (server.port, say(server.port, chats[1], question, _SCRIPT)),
                    (server.port, say(server.port, long_chat, question, _SCRIPT)),
                ]
                taken = []
                for port, request in asked:
                    await asyncio.sleep(0.002)
                    taken.append(await first(port, request))
                taken.append(_sync(on.folder / "disk"))
                if number >= _WARMING:
                    for name, milliseconds in zip(names, taken, strict=True):
                        times[name].append(milliseconds)
        complaints = on.complaints() + on.complaints("normal")
    return _report(times, complaints)


def _report(times: dict[str, list[float]], complaints: list[str]) -> int:
    syncs = times.pop("the disk alone")
    own = {at: percentile(times["upstream"], at) for at in (50, 99)}
    added = {name: [percentile(found, at) - own[at] for at in (50, 99)] for name, found in times.items()}
    rows: list[tuple[object, ...]] = [
        (
            name,
            *(f"{percentile(found, at):.2f}" for at in (50, 99)),
            *(f"{milliseconds:.2f}" for milliseconds in added[name]),
            ratio(added[name][0], added["pass-through"][0]),
        )
        for name, found in times.items()
    ]
    rows.append(
        ("one commit's bytes to the disk", *(f"{percentile(syncs, at):.2f}" for at in (50, 99)), "", "", "")
    )
    title = f"First token, {len(times['upstream'])} requests each, one at a time (ms)"
    table(title, ("target", "p50", "p99", "added p50", "added p99", "added p50 ratio"), rows)
    print(*complaints[:5], sep="\n")
    kept = [
        (f"{name}: added at p{at}: {found:.2f} ms <= {most:g} ms", found <= most)
        for name in ("duihua, normal", "duihua, full")
        for (at, most), found in zip(MOST_MS.items(), added[name], strict=True)
    ]
    return verdict([*kept, ("the servers' logs have no complaints", not complaints)])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=250)
    parser.add_argument("--turns", type=int, default=25, help="turns of the long conversation before them")
    given = parser.parse_args()
    return uvloop.run(measure(given.requests, given.turns))


if __name__ == "__main__":
    sys.exit(main())
