"""Time added to the first token, with one stream at a time.

    python -m benchmarks.first_token [--requests 250]

The upstream itself, the pass-through and Duihua take turns, one request each. The clock runs from the
client's request, on a new connection, to the arrival of the first event that holds text; the upstream
writes its first token at once. Duihua stores the question and commits the token before it shows it.
"""

import argparse
import asyncio
import sys

import uvloop

from benchmarks.api import Api, ask_model, say
from benchmarks.figures import percentile, ratio, table, verdict
from benchmarks.processes import stage
from benchmarks.sse_client import Exchange, open_exchange

MOST_MS = {50: 5.0, 99: 20.0}
_WARMING = 20
_SCRIPT = {"chunks": 3, "rate": 100}


async def _first(port: int, request: bytes) -> float:
    """Milliseconds until text."""
    exchange = await open_exchange(port, request)
    await exchange.ended
    at = next(
        at for block, at in zip(exchange.blocks, exchange.times, strict=True) if _holds_text(exchange, block)
    )
    return (at - exchange.asked_at) * 1000


def _holds_text(exchange: Exchange, block: bytes) -> bool:
    return exchange.task_id is None or b'"type":"chunk"' in block


async def _long_chat(api: Api, turns: int) -> str:
    chat_id = await api.conversation()
    for number in range(turns):
        await _first(api.port, say(api.port, chat_id, f"turn {number}", {"chunks": 20, "rate": 0}))
    return chat_id


async def measure(requests: int, turns: int) -> int:
    """Take turns; print the table."""
    names = ("upstream", "pass-through", "duihua", f"duihua, after {2 * turns} messages")
    times: dict[str, list[float]] = {name: [] for name in names}
    async with stage() as on:
        proxy, server = await on.start_passthrough(), await on.start_server()
        async with Api(server.port) as api:
            for number in range(requests + _WARMING):
                if number % 10 == 0:  # Each question makes it longer.
                    long_chat = await _long_chat(api, turns)
                question = f"question {number}"
                asked = [
                    *((port, ask_model(port, question, _SCRIPT)) for port in (on.upstream.port, proxy.port)),
                    (server.port, say(server.port, await api.conversation(), question, _SCRIPT)),
                    (server.port, say(server.port, long_chat, question, _SCRIPT)),
                ]
                for name, (port, request) in zip(names, asked, strict=True):
                    await asyncio.sleep(0.002)
                    taken = await _first(port, request)
                    if number >= _WARMING:
                        times[name].append(taken)
        complaints = on.complaints()
    return _report(times, complaints)


def _report(times: dict[str, list[float]], complaints: list[str]) -> int:
    own = {at: percentile(times["upstream"], at) for at in (50, 99)}
    added = {name: [percentile(found, at) - own[at] for at in (50, 99)] for name, found in times.items()}
    rows = [
        (
            name,
            *(f"{percentile(found, at):.2f}" for at in (50, 99)),
            *(f"{milliseconds:.2f}" for milliseconds in added[name]),
            ratio(added[name][0], added["pass-through"][0]),
        )
        for name, found in times.items()
    ]
    title = f"First token, {len(times['upstream'])} requests each, one at a time (ms)"
    table(title, ("target", "p50", "p99", "added p50", "added p99", "added p50 ratio"), rows)
    print(*complaints[:5], sep="\n")
    kept = [
        (f"added at p{at}: {found:.2f} ms <= {most:g} ms", found <= most)
        for (at, most), found in zip(MOST_MS.items(), added["duihua"], strict=True)
    ]
    return verdict([*kept, ("the server's log has no complaints", not complaints)])


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
