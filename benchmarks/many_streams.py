"""Hundreds of streams at once: nothing missing, and how evenly the tokens come.

    python -m benchmarks.many_streams [--streams 300] [--crowd 1000] [--crowd-rate 5]

First `--streams` at `--rate` tokens/s each, through the pass-through and through Duihua; upstream and
clients share the machine's cores. Then a `--crowd` at `--crowd-rate`, opened one after the other: what being
durable before it is shown adds to the delay (G1) once all are open. Then `--crowd` at once, as fast as
everything can; then the same crowd at a server that takes fewer (`DUIHUA_MAX_GENERATIONS`), which must say
so with a 503 and serve the rest. A delay is from the upstream's write of a token to its arrival at the
client, a gap between two arrivals.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import msgspec
import uvloop

from benchmarks.figures import percentile, ratio, table, verdict
from benchmarks.processes import Running, Setting, Stage, stage
from benchmarks.sse_client import Exchange, Mismatch, openai_text, parse
from benchmarks.streams import Load, sent_times

_MOST_ADDED_MS = 60.0
_OPENED_A_SECOND = 50
_HEADS = (
    "target",
    "gap p50",
    "gap p99",
    "delay p50",
    "delay p99",
    "p99 ratio",
    "events/chunk",
    "us/chunk",
    "s",
)


class Flow(NamedTuple):
    """How a load went: milliseconds between arrivals and from write to arrival, and what it took."""

    gaps: list[float]
    delays: list[float]
    chunks: int
    events: int
    seconds: float
    cpu: float


async def _flow(on: Stage, process: Running, load: Load, opening: float | None = None) -> Flow:
    """Run a load to its end and check every stream. Raises Mismatch.

    With `opening`, so many seconds, delays are only of what was written when all streams were open.
    """
    began, cpu = time.monotonic(), process.cpu_seconds()
    exchanges = await load.start(over_seconds=opening or 1.0)
    since = 0.0
    if opening is not None:
        await asyncio.gather(*(exchange.first for exchange in exchanges))
        since = time.monotonic()
    await load.finish(exchanges)
    seconds, cpu = time.monotonic() - began, process.cpu_seconds() - cpu
    gaps, delays, chunks, events = [], [], 0, 0
    for number, exchange in enumerate(exchanges):
        arrivals = list(_arrivals(exchange))
        events += len(arrivals)
        gaps += [(later - earlier) * 1000 for (earlier, _), (later, _) in pairwise(arrivals)]
        sent = await sent_times(on.upstream.port, load.keys[number])
        chunks += len(sent)
        delays += _delays(arrivals, load.tokens(number), sent, since)
    return Flow(gaps, delays, chunks, events, seconds, cpu)


def _arrivals(exchange: Exchange) -> Iterator[tuple[float, int]]:
    """When text arrived, and how many characters there were then."""
    characters = 0
    for block, at in zip(exchange.blocks, exchange.times, strict=True):
        if said := _said(block):
            characters += len(said)
            yield at, characters


def _said(block: bytes) -> str:
    if block.startswith(b"data: "):
        return "" if block == b"data: [DONE]" else openai_text([block, b"data: [DONE]"])
    events = parse([block])
    return events[0].value["content"] if events and events[0].value["type"] == "chunk" else ""


def _delays(
    arrivals: list[tuple[float, int]], tokens: list[str], sent: list[float], since: float
) -> list[float]:
    """For each token written since then, the milliseconds until the event that brought its last character."""
    delays, characters, coming = [], 0, iter(arrivals)
    at, there = next(coming)
    for token, written in zip(tokens, sent, strict=True):
        characters += len(token)
        while there < characters:
            at, there = next(coming)
        if written >= since:
            delays.append((at - written) * 1000)
    return delays


def _rows(flows: dict[str, Flow], yardstick: Flow) -> list[tuple[object, ...]]:
    base = percentile(yardstick.delays, 99)
    return [
        (
            name,
            *(f"{percentile(flow.gaps, at):.1f}" for at in (50, 99)),
            *(f"{percentile(flow.delays, at):.1f}" for at in (50, 99)),
            ratio(percentile(flow.delays, 99), base),
            f"{flow.events / flow.chunks:.2f}",
            f"{flow.cpu / flow.chunks * 1e6:.0f}",
            f"{flow.seconds:.1f}",
        )
        for name, flow in flows.items()
    ]


async def _steady(on: Stage, streams: int, rate: float, seconds: float) -> None:
    targets = {"pass-through": await on.start_passthrough(), "duihua": await on.start_server()}
    flows = {}
    for name, process in targets.items():
        is_duihua = name == "duihua"
        # The first streams of a process import, connect and compile.
        warm = await Load.prepare(process.port, is_duihua, 20, 20, rate)
        await warm.finish(await warm.start())
        load = await Load.prepare(process.port, is_duihua, streams, int(rate * seconds), rate)
        flows[name] = await _flow(on, process, load)
    title = f"{streams} streams at {rate:g} tokens/s each (ms; CPU of that process)"
    table(title, _HEADS, _rows(flows, flows["pass-through"]))


async def _added(on: Stage, streams: int, rate: float, seconds: float) -> float:
    """How many milliseconds the p99 of a delay is above the pass-through's, once all streams are open."""
    opening = streams / _OPENED_A_SECOND
    flows = {}
    for name, process in {"pass-through": on.running[1], "duihua": on.running[2]}.items():
        chunks = int(rate * (opening + seconds))
        load = await Load.prepare(process.port, name == "duihua", streams, chunks, rate)
        flows[name] = await _flow(on, process, load, opening)
    title = f"{streams} streams at {rate:g} tokens/s each, delays once all are open (ms)"
    table(title, _HEADS, _rows(flows, flows["pass-through"]))
    return percentile(flows["duihua"].delays, 99) - percentile(flows["pass-through"].delays, 99)


async def _crowd(on: Stage, crowd: int, rate: float) -> None:
    targets = {"pass-through": on.running[1], "duihua": on.running[2]}
    flows = {}
    for name, process in targets.items():
        load = await Load.prepare(process.port, name == "duihua", crowd, 100, rate)
        flows[name] = await _flow(on, process, load)
    table(f"{crowd} streams at once, 100 tokens each (ms)", _HEADS, _rows(flows, flows["pass-through"]))


async def _refused(on: Stage, crowd: int, rate: float) -> None:
    """A crowd at a server that takes four in five: the others get a 503 that says when to come back.

    Raises:
        Mismatch: an answer that is neither a whole stream nor such a 503.
    """
    most = crowd * 4 // 5
    server = await on.start_server("small", Setting({"DUIHUA_MAX_GENERATIONS": str(most)}))
    load = await Load.prepare(server.port, True, crowd, 100, rate)
    exchanges = await load.start(over_seconds=0)
    await asyncio.gather(*(exchange.ended for exchange in exchanges))
    for number, exchange in enumerate(exchanges):
        if exchange.status != 503:
            load.check(number, exchange)
        elif not exchange.headers.get("retry-after", "").isdigit():
            raise Mismatch(f"a 503 without Retry-After: {exchange.headers}")
        elif msgspec.json.decode(exchange.rest)["error"] != "too_many_generations":
            raise Mismatch(f"a 503 of another kind: {exchange.rest!r}")
    statuses = Counter(exchange.status for exchange in exchanges)
    print(f"\n{crowd} streams at a server that takes {most} at once: {dict(statuses)}")


async def measure(given: argparse.Namespace) -> int:
    """The four loads; print what they gave."""
    async with stage() as on:
        await _steady(on, given.streams, given.rate, given.seconds)
        added = await _added(on, given.crowd, given.crowd_rate, given.seconds)
        await _crowd(on, given.crowd, given.rate)
        await _refused(on, given.crowd, given.rate)
        complaints = on.complaints() + on.complaints("small")
    print(*complaints[:5], sep="\n")
    whole = (
        "every stream byte for byte what the upstream said, ids gapless; refusals are 503 with Retry-After"
    )
    load = f"{given.crowd} streams at {given.crowd_rate:g} tokens/s"
    durable = f"G1 durable before shown, {load}: adds {added:.1f} ms to the p99 (at most {_MOST_ADDED_MS:g})"
    return verdict(
        [
            (whole, True),
            (durable, added <= _MOST_ADDED_MS),
            ("the servers' logs have no complaints", not complaints),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--rate", type=float, default=50, help="tokens a second of each stream")
    parser.add_argument("--seconds", type=float, default=10, help="how long each stream is")
    parser.add_argument("--crowd", type=int, default=1000)
    parser.add_argument("--crowd-rate", type=float, default=5, help="tokens a second of each of the crowd's")
    try:
        return uvloop.run(measure(parser.parse_args()))
    except Mismatch as mismatch:
        return verdict([(str(mismatch), False)])


if __name__ == "__main__":
    sys.exit(main())
