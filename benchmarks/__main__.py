"""Every benchmark one after the other: `python -m benchmarks [--full] [NAME ...]`, or `make bench`."""

import argparse
import subprocess
import sys
import time

# The shorter options take about five minutes together on two cores, the full ones half an hour.
SHORT: dict[str, list[str]] = {
    "startup": ["--runs", "3"],
    "first_token": ["--requests", "200"],
    "chunk_cost": ["--rounds", "3", "--seconds", "4"],
    "many_streams": [],
    "cuts": ["--cuts", "200"],
    "kill_rounds": ["--rounds", "10"],
    "statistics": ["--messages", "100000"],
    "cluster": ["--rounds", "2", "--seconds", "3", "--tries", "80"],
    "search": ["--messages", "20000"],
    "import_memory": ["--megabytes", "20"],
    "parts": ["--rounds", "1"],
    "bad_provider": ["--rounds", "2"],
    "faults": ["--short"],
    "replay": ["--dialogues", "60", "--kills", "1"],
}
FULL: dict[str, list[str]] = {name: [] for name in SHORT} | {"search": ["--full"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SHORT))
    parser.add_argument(
        "--full", action="store_true", help="with the counts that the figures are published for"
    )
    given = parser.parse_args()
    failed = []
    for name, options in (FULL if given.full else SHORT).items():
        if given.names and name not in given.names:
            continue
        print(f"\n== {' '.join((name, *options))}", flush=True)
        began = time.monotonic()
        status = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *options], check=False
        ).returncode
        print(f"  {time.monotonic() - began:.0f} s", flush=True)
        failed += [name] if status else []
    if failed:
        print(f"\nnot met: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
