"""Instructions per chunk, counted by valgrind: they repeat where microseconds do not.

Valgrind runs a program some forty times slower, so everything else is slowed down too: the models
speak, the journal ticks and recovery looks `SLOWDOWN` times more rarely, and the shape of the work (tokens
per tick, per read and per write) is that of a real server. They are counted in the same window as CPU, at
whose ends the program is told to say how many there were (the monitor command `dump` of Callgrind, in the
Valgrind manual, 6.4). User space only: what the kernel does for a system call is not counted, which is most
of what a pass-through does.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.figures import ratio, table, verdict
from benchmarks.processes import Running, Setting, Stage, stage
from benchmarks.streaming_window import Cost, chunks_for, window
from benchmarks.streams import Load

SLOWDOWN = 25
TARGET = 2.5
_TICK_MS = 40
_WINDOW_SECONDS = 1.2
_START_SECONDS = 300.0


class _Counter:
    """How many instructions a process under Callgrind has had, whose files are named `out`."""

    def __init__(self, pid: int, out: Path) -> None:
        self._pid, self._out = pid, out

    def __call__(self) -> float:
        subprocess.run(["vgdb", f"--pid={self._pid}", "dump"], check=True, capture_output=True)
        # Each file holds what came since the one before.
        parts = [part.read_text(errors="replace") for part in self._out.parent.glob(f"{self._out.name}.*")]
        return sum(int(number) for part in parts for number in re.findall(r"^summary: (\d+)", part, re.M))


async def measure(streams: int, rate: float, keep: str | None) -> int:
    """Run both targets; print the table and the verdict."""
    if shutil.which("valgrind") is None:
        print("valgrind is not installed", file=sys.stderr)
        return 2
    found = {
        name: await _cost(start, streams, rate, keep)
        for name, start in (("pass-through", _passthrough), ("duihua, full", _duihua))
    }
    each = {name: cost.spent / cost.chunks for name, cost in found.items()}
    yardstick = each["pass-through"]
    rows = [
        (
            name,
            f"{each[name] / 1000:.1f}",
            ratio(each[name], yardstick),
            f"{cost.events / cost.chunks:.2f}",
            cost.chunks,
        )
        for name, cost in found.items()
    ]
    print(f"{streams} streams, {rate:g} tokens/s each, {SLOWDOWN} times slower")
    heads = ("target", "ki/chunk", "ratio", "events/chunk", "chunks")
    table("Instructions per chunk (user space)", heads, rows)
    times = each["duihua, full"] / yardstick
    return verdict([(f"full: {times:.2f} x <= {TARGET} x the pass-through", times <= TARGET)])


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


async def _cost(start: _Start, streams: int, rate: float, keep: str | None) -> Cost:
    async with stage() as on:
        out = on.folder / "callgrind.out"
        process = await start(on, ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"])
        chunks = chunks_for(rate, _WINDOW_SECONDS)
        load = await Load.prepare(process.port, start is _duihua, streams, chunks, rate / SLOWDOWN)
        counter = _Counter(process.pid, out)
        cost = await window(on, counter, load, _WINDOW_SECONDS, slowdown=SLOWDOWN)
        await process.stop(_START_SECONDS)
        if keep is not None:
            for part in on.folder.glob("callgrind.out.*"):
                shutil.copy(part, f"{keep}/{start.__name__.strip('_')}.{part.name}")
        return cost
