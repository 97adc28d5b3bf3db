"""CPU per streamed chunk, from the upstream's socket to one SSE client each; every event journalled first.

    python -m benchmarks.chunk_cost [--streams 30] [--seconds 5] [--rounds 5]
    python -m benchmarks.chunk_cost --callgrind

The pass-through, Duihua with `synchronous=full` and with `normal` take turns. CPU is that process's user
and system time inside a window in which every stream is running, less what it takes when idle; chunks are
those that the upstream wrote inside the window.
"""

import argparse
import sys

import uvloop

from benchmarks import callgrind
from benchmarks.figures import middle, table, verdict
from benchmarks.processes import Setting, stage
from benchmarks.streaming_window import Cost, chunks_for, window
from benchmarks.streams import Load


async def measure(streams: int, rate: float, seconds: float, rounds: int) -> int:
    """Take turns; print the table and the verdict."""
    chunks = chunks_for(rate, seconds)
    async with stage() as on:
        targets = {
            "pass-through": await on.start_passthrough(),
            "duihua, full": await on.start_server("full"),
            "duihua, normal": await on.start_server("normal", Setting({"DUIHUA_SYNCHRONOUS": "normal"})),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in targets}
        # The first round warms up: imports, connections, compiled statements.
        for round_number in range(rounds + 1):
            for name, process in targets.items():
                load = await Load.prepare(process.port, name != "pass-through", streams, chunks, rate)
                cost = await window(on, process.cpu_seconds, load, seconds if round_number else 1.0)
                if round_number:
                    costs[name].append(cost)
        complaints = on.complaints("full") + on.complaints("normal")
    print(f"{streams} streams, {rate:g} tokens/s each, {rounds} windows of {seconds:g} s for each target")
    return _report(costs, complaints)


def _report(costs: dict[str, list[Cost]], complaints: list[str]) -> int:
    yardstick = [cost.micros for cost in costs["pass-through"]]
    rows, ratios = [], {}
    for name, found in costs.items():
        micros = [cost.micros for cost in found]
        ratios[name] = middle([own / other for own, other in zip(micros, yardstick, strict=True)])
        events = sum(cost.events for cost in found) / sum(cost.chunks for cost in found)
        rows.append(
            (
                name,
                f"{middle(micros):.1f}",
                f"{min(micros):.1f}-{max(micros):.1f}",
                f"{ratios[name]:.2f} x",
                f"{events:.2f}",
                sum(cost.chunks for cost in found),
            )
        )
    heads = ("target", "us/chunk", "range", "ratio", "events/chunk", "chunks")
    table("CPU per chunk (user + system of that process, median of the windows)", heads, rows)
    print(*complaints[:5], sep="\n")
    return verdict(
        [
            (
                f"full: {ratios['duihua, full']:.2f} x <= {callgrind.TARGET} x the pass-through",
                ratios["duihua, full"] <= callgrind.TARGET,
            ),
            ("the server's log has no complaints", not complaints),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=30)
    parser.add_argument("--rate", type=float, default=50, help="tokens a second of each stream")
    parser.add_argument("--seconds", type=float, default=5, help="length of a window")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--callgrind", action="store_true", help="count instructions instead (needs valgrind)"
    )
    parser.add_argument("--keep", metavar="FOLDER", help="where to leave callgrind's files")
    given = parser.parse_args()
    if given.callgrind:
        return uvloop.run(callgrind.measure(given.streams, given.rate, given.keep))
    return uvloop.run(measure(given.streams, given.rate, given.seconds, given.rounds))


if __name__ == "__main__":
    sys.exit(main())
