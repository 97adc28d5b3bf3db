"""A coverage-guided fuzzer on every parser of `foreign_bytes`: only the named errors may come out.

    .venv/bin/pip install atheris
    python -m benchmarks.faults --only fuzzed

Atheris (libFuzzer) has wheels for Linux on x86-64 alone, so it is not among the tools of development.
One parser by itself: `python -m benchmarks.fuzzing "SSE decoder" --seconds 60`. Input that breaks one is
left in the working directory, and its traceback on standard error.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import random
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.guarantees import Row
from benchmarks.processes import ROOT

_LONGEST = 20_000
# What one input may take: seconds and MiB of resident memory.
_LONGEST_SECONDS, _MOST_MEMORY = 10, 2048
_ODD = (None, True, -1, 0.5, 1e300, 2**63, "", "x" * 300, "\ud800", "\0", [], {}, [[]], {"role": "user"})


async def fuzzed(given: argparse.Namespace) -> list[Row]:
    """Each parser for so many inputs, or so many seconds; two at a time."""
    if importlib.util.find_spec("atheris") is None:
        return [Row("G12 parsers, fuzzed", "only named errors", "atheris is not installed", False)]
    from benchmarks.foreign_bytes import PARSERS

    at_once = asyncio.Semaphore(2)

    async def one(name: str) -> Row:
        async with at_once:
            return await _fuzzed(name, given.inputs, given.fuzz_seconds)

    return await asyncio.gather(*map(one, PARSERS))


async def _fuzzed(name: str, inputs: int, seconds: int) -> Row:
    promise, target = f"G12 {name}, fuzzed", "only named errors"
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, name, "--inputs", str(inputs), "--seconds", str(seconds)),
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
        log = told.decode("utf-8", "replace")
        broken = await asyncio.to_thread(_kept, Path(folder))
    if process.returncode or broken:
        print(f"{name}: {broken!r:.1000}\n{log[-3000:]}", flush=True)
        return Row(promise, target, f"status {process.returncode}, {len(broken)} inputs kept", False)
    tried = int(re.findall(r"^stat::number_of_executed_units:\s*(\d+)", log, re.MULTILINE)[-1])
    edges = re.findall(r" cov: (\d+) ", log)
    return Row(promise, target, f"0 others in {tried:,} inputs, {edges[-1]} edges", tried > 0)


def _kept(folder: Path) -> list[bytes]:
    """What libFuzzer has kept because it broke something: `crash-*`, `timeout-*`, `oom-*`."""
    return [path.read_bytes() for path in folder.glob("*-*")]


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    """One value of a JSON text changed, or now and then a few of its bytes: libFuzzer would only break it."""
    chance = random.Random(seed)
    if chance.random() < 0.8:
        with contextlib.suppress(ValueError, RecursionError):
            changed = json.dumps(_changed(json.loads(data), chance)).encode()
            return changed if len(changed) <= most else data
    begin = chance.randrange(len(data) + 1)
    end = min(len(data), begin + chance.randrange(4))
    return (data[:begin] + chance.randbytes(chance.randrange(4)) + data[end:])[:most]


def _changed(value: Any, chance: random.Random) -> Any:
    """`value` with something inside of it removed, repeated, or replaced by what does not belong there."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.1:
        return chance.choice(_ODD)
    key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
    others = list(value.values()) if isinstance(value, dict) else value
    act = chance.random()
    if act < 0.1:
        del value[key]
    elif act < 0.2:
        value[key] = chance.choice(others)
    else:
        value[key] = _changed(value[key], chance)
    return value


def main() -> None:
    """Fuzz one parser. Exits with 0 where nothing but named errors came."""
    import atheris

    with atheris.instrument_imports(include=["duihua", "python_multipart", "markdown_it", "zipfile"]):
        import markdown_it  # noqa: F401 - imported late by whoever uses it

        from benchmarks.foreign_bytes import PARSERS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=PARSERS)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    chosen = PARSERS[given.name]

    def read(data: bytes) -> None:
        with contextlib.suppress(*chosen.errors):
            chosen.read(data)

    corpus = Path("corpus")
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(chosen.seeds):
        (corpus / str(number)).write_bytes(seed)
    limits = [f"-runs={given.inputs}", f"-max_total_time={given.seconds}", f"-max_len={_LONGEST}"]
    limits += [f"-timeout={_LONGEST_SECONDS}", f"-rss_limit_mb={_MOST_MEMORY}", "-print_final_stats=1"]
    is_json = all(seed[:1] in {b"{", b"["} for seed in chosen.seeds)
    options = {"custom_mutator": _mutated} if is_json else {}
    atheris.Setup([sys.argv[0], *limits, str(corpus)], read, **options)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
