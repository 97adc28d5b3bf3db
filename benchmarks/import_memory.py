"""Importing a file much larger than memory allows: peak resident memory, and how fast.

    python -m benchmarks.import_memory [--megabytes 1000] [--database postgresql://...]

The file repeats real dialogues under new names, one archive a line; `duihua import` reads it into a new
database. Peak memory is what the kernel counts for that process.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import msgspec
import uvloop

from benchmarks.databases import temporary_database
from benchmarks.dialogues import Dialogue, sample
from benchmarks.figures import table, verdict
from benchmarks.processes import Running, Setting, stage
from duihua.core.ids import new_uuid

MOST_MIB = 300.0
_MB = 1_000_000
_AT = "2026-01-31T08:00:00Z"
_POLL_SECONDS = 0.2


def _line(dialogue: Dialogue) -> bytes:
    said = [
        (role, text)
        for turn in dialogue.turns
        for role, text in (("user", turn.question), ("assistant", turn.answer))
    ]
    names = [new_uuid() for _ in said]
    dated = {"created_at": _AT, "updated_at": _AT}
    messages = [
        {"uuid": name, "role": role, "content": text, "character_count": len(text)}
        | dated
        | ({"parent": parent} if parent else {})
        for name, parent, (role, text) in zip(names, [None, *names], said, strict=False)
    ]
    head = {"uuid": new_uuid(), "title": dialogue.name} | dated
    archive = {"format": "duihua", "version": 1, "conversation": head, "messages": messages}
    return msgspec.json.encode(archive) + b"\n"


def _write(path: Path, size: int) -> int:
    """A file of so many bytes; how many conversations it holds."""
    written = count = 0
    with path.open("wb") as file:
        for dialogue in cycle(sample(300, seed=1)):
            written += file.write(_line(dialogue))
            count += 1
            if written >= size:
                return count
    raise AssertionError("unreachable: there is no last dialogue")


def _peaks(pid: int) -> Iterator[float]:
    """The most resident memory so far, in MiB, until the process has ended."""
    while True:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return
        peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
        if not peak:  # It has ended, and waits to be told.
            return
        yield peak[0] / 1024


async def measure(where: str, megabytes: int) -> int:
    """Write the file, import it, print the table."""
    async with temporary_database(where) as given, stage() as on:
        path = on.folder / "large.jsonl"
        count = await asyncio.to_thread(_write, path, megabytes * _MB)
        began = time.monotonic()
        process = _importing(on.folder, path, given)
        peak = 0.0
        for resident in _peaks(process.pid):
            peak = resident
            await asyncio.sleep(_POLL_SECONDS)
        status = await process.stop()
        seconds = time.monotonic() - began
        told = process.log.read_text(errors="replace")
    rate = f"{megabytes / seconds:.1f}"
    heads = ("database", "MB", "conversations", "s", "MB/s", "peak MiB")
    kind = where.partition(":")[0]
    table("An import", heads, [(kind, megabytes, f"{count:,}", f"{seconds:.0f}", rate, f"{peak:.0f}")])
    whole = f"{count} imported, 0 skipped, 0 failed"
    return verdict(
        [
            (f"every conversation was imported: {whole}", status == 0 and whole in told),
            (f"peak at most {MOST_MIB:g} MiB", 0 < peak <= MOST_MIB),
        ]
    )


def _importing(folder: Path, path: Path, given: Setting) -> Running:
    environment = dict(os.environ) | {"DUIHUA_DATA_DIR": str(folder / "data")} | dict(given.environment)
    arguments = [sys.executable, "-m", "duihua", "import", str(path)]
    return Running(arguments, 0, folder / "import.log", environment)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--database", default="sqlite", help="sqlite, or a URL beside which one is made")
    given = parser.parse_args()
    return uvloop.run(measure(given.database, given.megabytes))


if __name__ == "__main__":
    sys.exit(main())
