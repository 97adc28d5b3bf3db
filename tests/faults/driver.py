"""A server as a user runs it: a process of its own, which can be killed, frozen and asked to stop."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select

from duihua.db.session import Session, open_database
from duihua.models import Conversation, Generation, Message
from tests.faults.nursery import Forked, Nursery
from tests.fixtures.client import Client
from tests.fixtures.server import documented

# For a machine that is busy with other tests; a healthy one needs a tenth of it.
START_SECONDS = 60.0
STARTED = "Duihua 对话"
# The last, so that it is the program beside these tests that is tried.
_HANDED_ON = {"PATH", "HOME", "LANG", "PYTHONPATH"}


class Ended(AssertionError):
    """The process ended before it said what was waited for."""


class Server:
    """One `duihua serve`. It says itself where it listens: no port is guessed, nothing is polled."""

    def __init__(self, process: asyncio.subprocess.Process | Forked, database_url: str) -> None:
        self.database_url = database_url
        self.started_at = time.monotonic()
        self.port = 0
        # The processes that serve, where this one is only their parent.
        self.workers: list[int] = []
        self.log = ""
        self._process = process
        # Read all the while: a server whose log nobody takes would stand still when the pipe is full.
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    async def said(self, event: str) -> dict[str, Any]:
        """Wait for a line of the log whose event begins so; the line. Raises Ended."""
        async with asyncio.timeout(START_SECONDS):
            while (line := await self._lines.get()) is not None:
                if f'"event": "{event}' in line:
                    return json.loads(line)
        raise Ended(self.log)

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.log += line.decode()
            self._lines.put_nowait(line.decode())
        self._lines.put_nowait(None)

    async def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        await self.ended()

    def freeze(self) -> None:
        """What is sent to it from now on waits in the kernel."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to stop."""
        self._process.send_signal(signal.SIGTERM)

    def renew(self) -> None:
        """Ask it to renew its workers, one after the other."""
        self._process.send_signal(signal.SIGHUP)

    async def ended(self, seconds: float = START_SECONDS) -> int:
        """Wait until it is gone; its exit status."""
        async with asyncio.timeout(seconds):
            await self._reading
            return await self._process.wait()

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None


async def gone(pids: list[int], seconds: float = START_SECONDS) -> None:
    """Wait until none of these processes runs."""
    async with asyncio.timeout(seconds):
        while any(map(runs, pids)):  # noqa: ASYNC110 - they are not our children: nothing tells of their end
            await asyncio.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether a process is there, and no mere entry that nobody has asked for yet."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False


class Servers:
    """The servers of one test, on one data folder unless told otherwise; forked in a nursery where given."""

    def __init__(
        self, folder: Path, database_url: str | None, options: dict[str, str], nursery: Nursery | None = None
    ) -> None:
        self._nursery = nursery
        self._environment = {
            **{name: value for name, value in os.environ.items() if name in _HANDED_ON},
            "DUIHUA_DATA_DIR": str(folder),
            "DUIHUA_DISCOVER": "false",
            "DUIHUA_LOG_FORMAT": "json",
            "DUIHUA_PORT": "0",
            **({} if database_url is None else {"DATABASE_URL": database_url}),
            **options,
        }
        self._database_url = database_url or f"sqlite:///{folder / 'duihua.db'}"
        # An empty folder to work in: a `.env` of the developer's is none of the server's business.
        self._folder = folder
        self._all: list[Server] = []

    async def execute(self) -> Server:
        """Start a process, and do not wait for it."""
        server = Server(await self._process(), self._database_url)
        self._all.append(server)
        return server

    async def _process(self) -> asyncio.subprocess.Process | Forked:
        if self._nursery is not None:
            return await self._nursery.start(self._environment, self._folder)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "duihua", "serve"),
            env=self._environment,
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )

    async def start(self) -> Server:
        """Start a process that answers `/health`."""
        server = await self.execute()
        started = await server.said(STARTED)
        server.port = int(started["url"].rpartition(":")[2])
        server.workers = started.get("workers", [])
        async with client_of(server) as client:
            assert (await client.get("/health")).status == 200
        return server

    async def end(self) -> None:
        """End those that the test left behind."""
        for server in self._all:
            if server.is_running:
                await server.kill()

    def check_logs(self) -> None:
        """Whatever was done to those that served, none met what it did not expect. Raises AssertionError."""
        lines = [line for server in self._all if server.port for line in server.log.splitlines()]
        unexpected = [line for line in lines if "Traceback" in line]
        assert not unexpected, "\n".join(unexpected)


@asynccontextmanager
async def servers(
    folder: Path, database_url: str | None = None, *, nursery: Nursery | None = None, **options: str
) -> AsyncIterator[Servers]:
    """`options` are environment variables, such as DUIHUA_DRAIN_SECONDS."""
    started = Servers(folder, database_url, options, nursery)
    try:
        yield started
    finally:
        await started.end()
    started.check_logs()


@asynccontextmanager
async def client_of(server: Server, kind: type[Client] = Client) -> AsyncIterator[Client]:
    """A client with connections of its own."""
    async with aiohttp.ClientSession() as session:
        yield kind(session, f"http://127.0.0.1:{server.port}", documented())


async def states(database_url: str) -> list[tuple[str, str, str]]:
    """(conversation, the generation's state, its message's state) of every generation, from the database."""
    database = open_database(database_url, pool_size=1)
    try:
        return await database.read(_states)
    finally:
        await database.close()


def _states(session: Session) -> list[tuple[str, str, str]]:
    rows = session.execute(
        select(Conversation.uuid, Generation.state, Message.state)
        .join(Generation, Generation.conversation_id == Conversation.id)
        .join(Message, Message.id == Generation.message_id)
    )
    return [(chat_id, generation, message) for chat_id, generation, message in rows]
