"""Several server processes on one port: kept alive, renewed on SIGHUP, stopped together.

The parent holds the listening sockets, so that no connection is refused or reset while workers come and go;
whichever worker is free takes the next one. Each worker is the same command run once more, so that a renewal
also takes up a program that was upgraded on disk. Between parent and worker there is a socket pair: over it
the worker says that it serves, and sees that its parent is gone.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import structlog

from duihua import __version__
from duihua.core.config import Config
from duihua.db.migrating import Migration
from duihua.db.session import shown_url

log = structlog.get_logger()
# What a stopping worker may take beyond the draining before it is killed.
MARGIN_SECONDS = 6.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A worker that lived so long did not die of starting: the next pause is short again.
STEADY_SECONDS = 60.0
READY_SECONDS = 120.0
_BACKLOG = 2048
_VARIABLE = "DUIHUA_INHERITED"
# Up to Python 3.11 a thread waits for each process, and a limit may refuse that too: a RuntimeError.
_REFUSED = (OSError, RuntimeError)


class Inherited(NamedTuple):
    """What a worker has from its parent: `line` is readable when that is gone, `folder` is all workers'."""

    number: int
    folder: Path
    line: socket.socket
    listeners: list[socket.socket]


def inherited() -> Inherited | None:
    """What this process has from its parent, once; None where it was started by itself."""
    words = os.environ.pop(_VARIABLE, None)
    if words is None:
        return None
    numbers, _, folder = words.partition(" in ")
    number, *descriptors = map(int, numbers.split())
    line, *listeners = (socket.socket(fileno=fd) for fd in descriptors)
    return Inherited(number, Path(folder), line, listeners)


def supervise(config: Config) -> bool:
    """Serve with `config.workers` processes until told to stop; whether they served at all.

    Raises:
        ValueError: they could not share this database, or this system cannot share a port.
        MigrationError: nothing was changed.
    """
    url = config.resolved_database_url
    if url.startswith("sqlite"):
        raise ValueError(
            f"DUIHUA_WORKERS={config.workers} needs PostgreSQL: a SQLite file has one server. "
            "Set DATABASE_URL=postgresql://…, or DUIHUA_WORKERS=1."
        )
    if os.name != "posix":
        raise ValueError("DUIHUA_WORKERS: one process on this system; start several, each with its own port.")
    Migration(url).end()
    listeners = listen(config.host, config.port)
    try:
        with TemporaryDirectory(prefix="duihua-", ignore_cleanup_errors=True) as folder:
            return asyncio.run(Supervisor(config, listeners, folder).run())
    finally:
        for listener in listeners:
            listener.close()


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of `host`, on one port. Raises ValueError."""
    listeners: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((entry[0], entry[4][:2]) for entry in found):
            chosen = listeners[0].getsockname()[1] if listeners else port
            where = (str(address[0]), chosen)
            listeners.append(socket.create_server(where, family=family, backlog=_BACKLOG))
    except OSError as error:
        for listener in listeners:
            listener.close()
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ValueError(f"cannot listen on {host}, port {port}: {reason}") from error
    return listeners


class Worker:
    """One process, and what it has told."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self.number, self._process, self._line = number, process, line
        self.started_at = asyncio.get_running_loop().time()
        self.ready = asyncio.create_task(self._is_ready())
        self.ended = asyncio.create_task(process.wait())
        self.ended.add_done_callback(lambda _: line.close())

    @classmethod
    async def start(cls, number: int, listeners: Sequence[socket.socket], folder: str) -> "Worker":
        """Run this program's own command line once more. Raises OSError or RuntimeError."""
        line, end = socket.socketpair()
        try:
            line.setblocking(False)
            with end:
                given = [end.fileno(), *(listener.fileno() for listener in listeners)]
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *sys.orig_argv[1:],
                    env=os.environ | {_VARIABLE: f"{' '.join(map(str, (number, *given)))} in {folder}"},
                    pass_fds=given,
                    # Ctrl-C in a terminal is the parent's to answer.
                    start_new_session=True,
                )
        except BaseException:
            # Should there be a process nevertheless, it sees that nobody waits for it.
            line.close()
            raise
        return cls(number, process, line)

    async def _is_ready(self) -> bool:
        """Whether it came to serve, once that is known."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                return bool(await asyncio.get_running_loop().sock_recv(self._line, 1))
        except (OSError, TimeoutError):
            return False

    async def stop(self, seconds: float) -> None:
        """Ask it to end; kill it where it does not."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        done, _ = await asyncio.wait([self.ended], timeout=seconds)
        if not done:
            log.error("a worker did not stop in time; killed", worker=self.number, pid=self.pid)
            await self.kill()

    async def kill(self) -> None:
        """End it now."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self.ended

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid


class Supervisor:
    """Keeps one worker in each place."""

    def __init__(self, config: Config, listeners: Sequence[socket.socket], folder: str) -> None:
        self._config, self._listeners, self._folder = config, listeners, folder
        self._patience = config.drain_seconds + MARGIN_SECONDS
        self._places: dict[int, Worker] = {}
        self._alive: set[Worker] = set()
        self._pauses = dict.fromkeys(range(1, config.workers + 1), FIRST_PAUSE_SECONDS)
        self._putting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop, self._renew = asyncio.Event(), asyncio.Event()

    async def run(self) -> bool:
        """Until SIGTERM or SIGINT; whether it came to serve."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._renew.set)
        stopped = asyncio.create_task(self._stop.wait())
        starting = asyncio.create_task(self._begin())
        await asyncio.wait([stopped, starting], return_when=asyncio.FIRST_COMPLETED)
        served = self._stop.is_set() or starting.result()
        if served:
            self._spawn(self._renewals())
            await stopped
        stopped.cancel()
        await self._end(starting)
        return served

    async def _begin(self) -> bool:
        """Start every worker at once; whether all of them serve."""
        started = await asyncio.gather(*(self._put(number) for number in self._pauses))
        if None in started or not all(await asyncio.gather(*(w.ready for w in self._places.values()))):
            log.critical("a worker did not start; stopping")
            return False
        url = _url(self._config.host, self._listeners[0].getsockname()[1])
        database = shown_url(self._config.resolved_database_url)
        pids = [worker.pid for worker in self._places.values()]
        log.info(f"Duihua 对话 {__version__}", url=url, docs=f"{url}/docs", database=database, workers=pids)
        if self._config.redis_url is None:
            log.info("no REDIS_URL: workers hear of each other by asking PostgreSQL four times a second")
        return True

    async def _put(self, number: int) -> Worker | None:
        """A new worker in this place; None, and all as it was, where the system refuses."""
        try:
            worker = await Worker.start(number, self._listeners, self._folder)
        except _REFUSED as error:
            # A traceback would tell nothing.
            log.error("a worker cannot be started", worker=number, reason=str(error))  # noqa: TRY400
            return None
        self._places[number] = worker
        self._alive.add(worker)
        worker.ended.add_done_callback(lambda _: self._ended(worker))
        return worker

    def _ended(self, worker: Worker) -> None:
        self._alive.discard(worker)
        served = worker.ready.done() and not worker.ready.cancelled() and worker.ready.result()
        if self._places[worker.number] is worker and served and not self._stop.is_set():
            log.error("a worker died", worker=worker.number, pid=worker.pid, status=worker.ended.result())
            self._spawn(self._replace(worker))

    async def _replace(self, dead: Worker) -> None:
        """Another one in its place, after a pause that grows while they die young."""
        number, loop = dead.number, asyncio.get_running_loop()
        if loop.time() - dead.started_at > STEADY_SECONDS:
            self._pauses[number] = FIRST_PAUSE_SECONDS
        while True:
            await asyncio.sleep(self._pauses[number])
            self._pauses[number] = min(2 * self._pauses[number], LONGEST_PAUSE_SECONDS)
            async with self._putting:
                if self._places[number] is not dead:
                    return  # A renewal was quicker.
                new = await self._put(number)
            if new is None:
                continue
            if await new.ready:
                log.info("a worker serves in its place", worker=number, pid=new.pid)
                return
            await new.kill()
            log.error("a worker did not start", worker=number, status=new.ended.result())
            dead = new

    async def _renewals(self) -> None:
        while True:
            await self._renew.wait()
            self._renew.clear()
            for number in self._pauses:
                if not await self._renew_one(number):
                    break

    async def _renew_one(self, number: int) -> bool:
        """A new worker first, then the old one's end: there is always one that serves."""
        async with self._putting:
            old = self._places[number]
            new = await self._put(number)
        if new is not None and await new.ready:
            log.info("a worker was renewed", worker=number, pid=new.pid)
            await old.stop(self._patience)
            return True
        log.error("a new worker did not start; the renewal ends here", worker=number)
        if new is not None:
            self._places[number] = old
            await new.kill()
            if old.ended.done():
                self._spawn(self._replace(old))
        return False

    async def _end(self, starting: asyncio.Task[bool]) -> None:
        self._stop.set()
        for task in (starting, *self._tasks):
            task.cancel()
        await asyncio.gather(starting, *self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.stop(self._patience) for worker in list(self._alive)))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
