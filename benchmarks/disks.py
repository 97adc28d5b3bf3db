"""A disk that is full, and files that may not be written to, under a server on SQLite that goes on serving.

Both take root: a file system in memory is mounted for the one, and files are made immutable for the other.
"""

import argparse
import asyncio
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from benchmarks.databases import integrity
from benchmarks.fault_cluster import lost
from benchmarks.guarantees import Row, in_time
from benchmarks.writers import Writer, differences, writers
from tests.faults.driver import Server, servers
from tests.faults.scenarios import asking

_WRITERS, _SIZE = 8, 20_000
_TROUBLE_SECONDS = 10.0
_STREAMS = 4


async def disk_full(_: argparse.Namespace) -> list[Row]:
    """Another program takes all the room that there is, and gives it back."""
    with _small_disk() as disk:
        ballast = disk / "ballast"

        def take() -> None:
            with ballast.open("wb", buffering=0) as file:
                while True:
                    try:
                        file.write(b"\0" * 4096)
                    except OSError:
                        return

        return await _in_trouble("disk full", disk, Trouble(take, ballast.unlink, "507 storage_full"))


async def file_read_only(_: argparse.Namespace) -> list[Row]:
    """Somebody makes the database's files immutable, and undoes it."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("duihua.db", "duihua.db-wal")]

        def change(flag: str) -> None:
            _run("chattr", flag, *files)

        trouble = Trouble(lambda: change("+i"), lambda: change("-i"), "503 storage_unavailable")
        return await _in_trouble("files read-only", Path(folder), trouble)


class Trouble(NamedTuple):
    """How it begins, how it ends, and what whoever writes is told meanwhile."""

    begin: Callable[[], None]
    end: Callable[[], None]
    told: str

    async def last(self) -> None:
        """Some seconds of it."""
        self.begin()
        try:
            await asyncio.sleep(_TROUBLE_SECONDS)
        finally:
            self.end()


class _Reader:
    """Reads all the time: how often, what was not answered with 200, how long an answer took at most."""

    def __init__(self, server: Server) -> None:
        self._origin = f"http://127.0.0.1:{server.port}"
        self.read = 0
        self.refusals: Counter[int] = Counter()
        self.slowest = 0.0

    async def go_on(self, chat_id: str) -> None:
        """Until cancelled."""
        paths = ("/chat/conversations/list", f"/chat/conversations/{chat_id}/messages", "/chat/groups")
        async with aiohttp.ClientSession() as session:
            while True:
                for path in paths:
                    began = time.monotonic()
                    async with session.get(self._origin + path) as response:
                        await response.read()
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    self.read += 1
                    if response.status != 200:
                        self.refusals[response.status] += 1
                await asyncio.sleep(0.05)


async def _in_trouble(name: str, folder: Path, trouble: Trouble) -> list[Row]:
    promise = f"G14 {name} for {_TROUBLE_SECONDS:g} s"
    async with servers(folder) as started:
        server = await started.start()
        async with (
            writers(_WRITERS, server.port, size=_SIZE, patience=0.1) as those,
            asking(server, server.database_url) as clients,
        ):
            assert await those[0].conversation(), "the server writes while all is well"
            reader = _Reader(server)
            reading = asyncio.create_task(reader.go_on(next(iter(those[0].titles))))
            await clients.ask(_STREAMS, tokens=500, rate=25)
            writing = [asyncio.create_task(writer.write()) for writer in those]
            await asyncio.sleep(1)
            await trouble.last()
            again = await _all_write(those)
            replies = await clients.outcome(time.monotonic(), patience=60)
            for writer in those:
                writer.until = 0.0
            await asyncio.gather(*writing)
            reading.cancel()
        wrong = await differences(those, server.database_url)
    refusals = sum((writer.refusals for writer in those), Counter())
    damage = integrity(folder / "duihua.db")
    kept = f"{len(wrong)} of {sum(writer.acknowledged for writer in those)} acknowledged; file {damage}"
    reads = f"{dict(reader.refusals)} of {reader.read}, slowest {reader.slowest:.2f} s"
    return [
        Row(f"{promise}: reads refused", "0", reads, not reader.refusals),
        Row(f"{promise}: writes", trouble.told, f"{dict(refusals)}", set(refusals) == {trouble.told}),
        in_time(f"{promise}: everybody writes again, same process", again, 5),
        lost(f"{promise}: replies that were coming", replies, f"{dict(replies.ends)}"),
        Row(f"{promise}: acknowledged and not there", "0", kept, not wrong and damage == "ok"),
    ]


async def _all_write(those: Sequence[Writer]) -> float:
    """Seconds until something more was acknowledged to each of them."""
    began, before = time.monotonic(), {writer: writer.acknowledged for writer in those}
    async with asyncio.timeout(30):
        while any(writer.acknowledged == before[writer] for writer in those):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def _small_disk() -> Iterator[Path]:
    """A file system of 256 MiB in memory. Raises OSError where mounting is not allowed."""
    with tempfile.TemporaryDirectory() as folder:
        _run("mount", "-t", "tmpfs", "-o", "size=256m", "duihua-benchmark", folder)
        try:
            yield Path(folder)
        finally:
            _run("umount", "--lazy", folder)


def _run(*command: object) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command[0]} takes root: {done.stderr.strip()}")
