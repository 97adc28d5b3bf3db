"""Duihua with a watch on its event loop: `python -m benchmarks.watched_server serve ...`.

Every 5 ms the loop should have its turn. `blocked` is by how much the worst one came late, without the time
that the thread stood in the scheduler's queue for a core (/proc/.../schedstat): that is the machine's load
and not the server's doing. A thread of the server's own that has the interpreter counts as blocking.
`computing` is the CPU time that the process took meanwhile: where that is little, it waited for a disk, or
the machine stood still. `collecting` is how long Python's garbage collector was at work.
What was seen is told, as a line of JSON, to whoever connects to the Unix socket in WATCH_SOCKET; the worst
of it since the last time.
"""

import asyncio
import gc
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from benchmarks.processes import Setting, Stage, stage
from duihua import cli, serving

_TICK_SECONDS = 0.005
_START_SECONDS = 120.0
_PROCESS = Path("/proc/self")


class Watched(msgspec.Struct):
    """What a server has at one moment, and its loop's worst seconds since the one before.

    `tasks` counts asyncio tasks by the coroutine that they run, without the watch's own.
    """

    blocked: float
    computing: float
    collecting: float
    tasks: dict[str, int]
    connections: int
    files: int
    resident: int

    def more_than(self, before: Self) -> str:
        """What there is more of than there was, "" where nothing is."""
        more = Counter(self.tasks) - Counter(before.tasks)
        said = [f"{count} {name}" for name, count in more.items()]
        if self.connections > before.connections:
            said.append(f"{self.connections - before.connections} connections")
        if self.files > before.files:
            said.append(f"{self.files - before.files} files")
        return ", ".join(said)


class _Server(serving.Server):
    """A server that is watched from its start."""

    async def startup(self, **options: Any) -> None:
        await super().startup(**options)
        self._watch = _Watch(self)
        self._telling = await asyncio.start_unix_server(self._watch.tell, os.environ["WATCH_SOCKET"])


class _Watch:
    def __init__(self, server: serving.Server) -> None:
        self._server = server
        self._schedule = _PROCESS / "task" / str(threading.get_native_id()) / "schedstat"
        self._collected = self._collection_began = 0.0
        gc.callbacks.append(self._collect)
        self._forget()
        self._loop = asyncio.get_running_loop()
        self._again()

    def _collect(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collection_began = time.monotonic()
        else:
            self._collected += time.monotonic() - self._collection_began

    def _forget(self) -> None:
        self._blocked = self._computing = self._collecting = 0.0

    def _again(self) -> None:
        self._collected = 0.0
        self._at, self._queued, self._cpu = time.monotonic(), self._queued_seconds(), time.process_time()
        self._loop.call_later(_TICK_SECONDS, self._turn)

    def _turn(self) -> None:
        late = time.monotonic() - self._at - _TICK_SECONDS
        blocked = late - (self._queued_seconds() - self._queued)
        if blocked > self._blocked:
            self._blocked, self._computing = blocked, time.process_time() - self._cpu
            self._collecting = self._collected
        self._again()

    def _queued_seconds(self) -> float:
        return int(self._schedule.read_text().split()[1]) / 1e9

    async def tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell, and begin anew."""
        own = asyncio.current_task()
        names = (
            getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks() if task is not own
        )
        status = (_PROCESS / "statm").read_text().split()
        seen = Watched(
            self._blocked,
            self._computing,
            self._collecting,
            dict(Counter(names)),
            len(self._server.server_state.connections),
            len(list((_PROCESS / "fd").iterdir())) - 1,
            int(status[1]) * os.sysconf("SC_PAGE_SIZE"),
        )
        self._forget()
        writer.write(msgspec.json.encode(seen))
        writer.close()


class WatchedServer:
    """One that runs, its port, and what is told of it."""

    def __init__(self, on: Stage, name: str) -> None:
        self._path = on.folder / f"{name}.sock"
        self._setting = Setting(
            {"WATCH_SOCKET": str(self._path), "OPENAI_BASE_URL": ""}, module=__spec__.name
        )
        self._on, self._name = on, name
        self.port = 0

    async def start(self) -> Self:
        """Wait until it is healthy."""
        self.port = (await self._on.start_server(self._name, self._setting, _START_SECONDS)).port
        return self

    async def now(self) -> Watched:
        """What it has now, and its loop's worst seconds since this was asked last."""
        reader, writer = await asyncio.open_unix_connection(self._path)
        seen = msgspec.json.decode(await reader.read(), type=Watched)
        writer.close()
        return seen

    async def settled(self, before: Watched, seconds: float) -> Watched:
        """Wait, at most so long, until it has no more than `before`; what it has at last."""
        until = time.monotonic() + seconds
        while True:
            seen = await self.now()
            if not seen.more_than(before) or time.monotonic() > until:
                return seen
            await asyncio.sleep(0.5)


@asynccontextmanager
async def watched_server(name: str = "duihua") -> AsyncIterator[WatchedServer]:
    """One on SQLite with nothing in it; its model is the offline one."""
    async with stage() as on:
        yield await WatchedServer(on, name).start()


if __name__ == "__main__":
    serving.Server = _Server  # type: ignore[misc] # `serve` makes whatever stands there
    cli.main()
