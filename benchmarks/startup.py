"""How long a start takes, and what an idle server holds in memory.

    python -m benchmarks.startup [--runs 5]

From exec to the first 200 of `/health`: with a data folder that does not exist yet, with one that does,
and for the pass-through, in turns. Resident memory is read after five idle seconds.
"""

import argparse
import asyncio
import sys

import uvloop

from benchmarks.figures import middle, ratio, table, verdict
from benchmarks.processes import Running, Stage, stage

_IDLE_SECONDS = 5.0
_MIB = 1024 * 1024


async def _passthrough(on: Stage, run: int) -> Running:
    return await on.start_passthrough()


async def _fresh(on: Stage, run: int) -> Running:
    return await on.start_server(f"data-{run}")


async def _existing(on: Stage, run: int) -> Running:
    return await on.start_server("data-0")


_STARTS = {"pass-through": _passthrough, "duihua, new data folder": _fresh, "duihua, existing": _existing}


async def measure(runs: int) -> int:
    """Start and stop in turns; print the medians."""
    seconds: dict[str, list[float]] = {name: [] for name in _STARTS}
    memory: dict[str, list[float]] = {name: [] for name in _STARTS}
    statuses = []
    async with stage() as on:
        # The first run fills the page cache, and makes the existing data folder.
        for run in range(runs + 1):
            for name, start in _STARTS.items():
                running = await start(on, run)
                taken = running.healthy_after
                await asyncio.sleep(_IDLE_SECONDS if run else 0)
                if run:
                    seconds[name].append(taken)
                    memory[name].append(running.resident_bytes() / _MIB)
                status = await running.stop()
                statuses += [status] if name != "pass-through" else []
    rows = [
        (
            name,
            f"{middle(seconds[name]):.2f}",
            f"{min(seconds[name]):.2f}-{max(seconds[name]):.2f}",
            ratio(middle(seconds[name]), middle(seconds["pass-through"])),
            f"{middle(memory[name]):.0f}",
            ratio(middle(memory[name]), middle(memory["pass-through"])),
        )
        for name in _STARTS
    ]
    heads = ("target", "healthy after s", "range", "ratio", "idle MiB", "ratio")
    table(f"Start and idle memory, median of {runs} runs", heads, rows)
    return verdict([(f"every start ends cleanly on SIGTERM: {statuses}", not any(statuses))])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    return uvloop.run(measure(parser.parse_args().runs))


if __name__ == "__main__":
    sys.exit(main())
