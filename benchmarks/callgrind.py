"""Instructions per chunk, counted by valgrind: they repeat where microseconds do not.

Valgrind runs a program some forty times slower, so everything else is slowed down too: the models
speak, the journal ticks and recovery looks `SLOWDOWN` times more rarely, and the shape of the work (tokens
per tick, per read and per write) is that of a real server. A short run is subtracted from a long one, so
that start-up and the beginning of the streams cancel out. User space only: what the kernel does for a
system call is not counted, which is most of what a pass-through does.
"""

import re
import shutil
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from benchmarks.figures import ratio, table
from benchmarks.processes import Running, Setting, Stage, stage
from benchmarks.streams import Load

SLOWDOWN = 25
_TICK_MS = 40
_SHORT, _LONG = 20, 80
_START_SECONDS = 300.0


class Count(NamedTuple):
    """Of one run: instructions, and events seen by the clients."""

    instructions: int
    events: int


async def measure(streams: int, rate: float, keep: str | None) -> int:
    """Run both targets twice; print the table."""
    if shutil.which("valgrind") is None:
        print("valgrind is not installed", file=sys.stderr)
        return 2
    found = {}
    for name, start in (("pass-through", _passthrough), ("duihua, full", _duihua)):
        short, long = [await _run(start, streams, chunks, rate, keep) for chunks in (_SHORT, _LONG)]
        chunks = streams * (_LONG - _SHORT)
        found[name] = (
            (long.instructions - short.instructions) / chunks,
            (long.events - short.events) / chunks,
        )
    yardstick = found["pass-through"][0]
    rows = [
        (name, f"{each / 1000:.1f}", ratio(each, yardstick), f"{events:.2f}")
        for name, (each, events) in found.items()
    ]
    print(f"{streams} streams x ({_LONG} - {_SHORT}) chunks, {rate:g} tokens/s each, {SLOWDOWN} times slower")
    table("Instructions per chunk (user space)", ("target", "ki/chunk", "ratio", "events/chunk"), rows)
    return 0


_Start = Callable[[Stage, list[str]], Awaitable[Running]]


async def _passthrough(on: Stage, launcher: list[str]) -> Running:
    return await on.start_passthrough(launcher, _START_SECONDS)


async def _duihua(on: Stage, launcher: list[str]) -> Running:
    environment = {
        "DUIHUA_JOURNAL_TICK_MS": str(_TICK_MS * SLOWDOWN),
        "DUIHUA_BENCH_SLOWDOWN": str(SLOWDOWN),
    }
    setting = Setting(environment, launcher, "benchmarks.slow_motion")
    return await on.start_server("duihua", setting, _START_SECONDS)


async def _run(start: _Start, streams: int, chunks: int, rate: float, keep: str | None) -> Count:
    async with stage() as on:
        out = on.folder / "callgrind.out"
        process = await start(on, ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"])
        load = await Load.prepare(process.port, start is _duihua, streams, chunks, rate / SLOWDOWN)
        exchanges = await load.start(over_seconds=SLOWDOWN / rate)
        await load.finish(exchanges)
        await process.stop(_START_SECONDS)
        if keep is not None:
            shutil.copy(out, f"{keep}/callgrind.out.{start.__name__.strip('_')}.{chunks}")
        total = re.search(r"^(?:summary|totals): (\d+)", out.read_text(errors="replace"), re.MULTILINE)
        if total is None:
            raise RuntimeError(f"no total in {out}")
        return Count(int(total[1]), sum(len(exchange.blocks) for exchange in exchanges))
