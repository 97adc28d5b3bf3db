"""Servers that start in a tenth of the time: forked from a process that has imported them already.

Most of a start is imports. What is forked is a process like any other, with the command line, the
environment, the folder and the log of a `duihua serve`, and is killed like one.
"""

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path

_AT_MOST = 65_536
# What a start imports, early or late, with each database and with Redis.
_MODULES = (
    "duihua.cli",
    "duihua.core.logging",
    "duihua.db.sqlite",
    "duihua.supervisor",
    "duihua.serving",
    "duihua.db.migrating",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "redis.asyncio",
    "uvloop",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)


class Forked:
    """One of them, as `asyncio.subprocess.Process` would have it.

    It is held by a descriptor: once it has ended, its number may be another process's.
    """

    def __init__(self, pid: int, stderr: asyncio.StreamReader) -> None:
        self.pid, self.stderr = pid, stderr
        # Its status is its parent's to know, which does not tell.
        self.returncode: int | None = None
        self._handle = os.pidfd_open(pid)
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._handle, self._has_ended)

    def _has_ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self.returncode = -signal.SIGKILL
        self._ended.set()

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode


class Nursery:
    """The process that forks; one request at a time."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._asking = asyncio.Lock()

    async def start(self, environment: Mapping[str, str], folder: Path) -> Forked:
        """A `duihua serve` in this environment and folder."""
        loop = asyncio.get_running_loop()
        ours, theirs = os.pipe()
        stderr = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stderr), os.fdopen(ours, "rb"))
        async with self._asking:
            request = json.dumps([dict(environment), str(folder)]).encode()
            socket.send_fds(self._line, [request], [theirs])
            os.close(theirs)
            pid = await loop.sock_recv(self._line, _AT_MOST)
            assert pid, "the nursery has ended"
            # As long as the nursery is not asked again, it leaves the number to who had it.
            return Forked(int(pid), stderr)


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """One for as long as this lasts. What it has started is the caller's to end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    with ours, theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.nursery", str(theirs.fileno())),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        theirs.close()
        try:
            ready = await asyncio.get_running_loop().sock_recv(ours, _AT_MOST)
            assert ready, "the nursery did not start"
            yield Nursery(ours)
        finally:
            process.kill()
            await process.wait()


def main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    for name in _MODULES:
        import_module(name)
    assert threading.active_count() == 1, "what is forked would lack the other threads"
    # What is here now stays: no child need copy it to look through it.
    gc.freeze()
    line.send(b"!")
    while True:
        request, descriptors, _, _ = socket.recv_fds(line, _AT_MOST, 1)
        if not request:
            return
        (stderr,) = descriptors
        _clear_away()
        pid = os.fork()
        if pid == 0:
            line.close()
            _serve(*json.loads(request), stderr)
        os.close(stderr)
        line.send(str(pid).encode())


def _clear_away() -> None:
    """Let the kernel forget those that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _serve(environment: Mapping[str, str], folder: str, stderr: int) -> None:
    os.dup2(stderr, 2)
    os.close(stderr)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["duihua", "serve"]
    try:
        import_module("duihua.cli").main()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
