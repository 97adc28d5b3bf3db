"""The processes that are measured: started on free ports of loopback, watched, killed, stopped."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
START_SECONDS = 30.0
STOP_SECONDS = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found = (file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for line in found for child in line.split()]


def cpu_seconds(pid: int) -> float:
    """In the scheduler's nanoseconds where Linux counts them."""
    try:
        files = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
        if files:
            return sum(int(file.read_text().split()[0]) for file in files) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        pass  # A thread has ended in between: the whole process's ticks are coarser and do not mind.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class DidNotStart(RuntimeError):
    """A process ended, or did not answer, instead of serving."""


class Running:
    """A process that we started, its port and its log."""

    def __init__(
        self, arguments: Sequence[str], port: int, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.port, self.log = port, log
        self.healthy_after = 0.0
        with log.open("ab") as output:
            self.started_at = time.monotonic()
            self._process = subprocess.Popen(
                arguments,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
            )
        self.pid = self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """User and system time of all its threads and, where it is a parent of workers, of theirs."""
        return sum(map(cpu_seconds, (self.pid, *children(self.pid))))

    def resident_bytes(self) -> int:
        """Its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def kill(self) -> None:
        """Kill it with SIGKILL and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    async def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end, wait, kill it if it does not; its exit status."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self._process.wait, seconds)
        except subprocess.TimeoutExpired:
            print(f"process {self.pid} did not end within {seconds:g} s; killed", file=sys.stderr)
            self.kill()
            return -signal.SIGKILL

    async def healthy(self, path: str = "/health", seconds: float = START_SECONDS) -> None:
        """Wait until it answers 200; `healthy_after` says how long that took since it was started.

        Raises:
            DidNotStart: with the end of its log.
        """
        deadline = self.started_at + seconds
        while time.monotonic() < deadline and self.is_running:
            if await _answers(self.port, path):
                self.healthy_after = time.monotonic() - self.started_at
                return
            await asyncio.sleep(0.002)
        self.kill()
        raise DidNotStart(self.log.read_text(errors="replace")[-2000:])


async def _answers(port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        status = await reader.readline()
        writer.close()
    except OSError:
        return False
    return status.startswith(b"HTTP/1.1 200")


class Setting(NamedTuple):
    """How a server is configured beside its port: environment variables, and what runs Python."""

    environment: Mapping[str, str] = {}
    launcher: Sequence[str] = ()
    module: str = "duihua"


class Stage:
    """A temporary folder with an upstream, and whatever is started beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[Running] = []
        self.upstream: Running

    @property
    def upstream_url(self) -> str:
        """The upstream's base URL."""
        return f"http://127.0.0.1:{self.upstream.port}/v1"

    async def start_upstream(self) -> Running:
        """Start the model server that all others ask."""
        self.upstream = self._start("upstream", ["-m", "benchmarks.upstream"])
        await self.upstream.healthy("/v1/models")
        return self.upstream

    async def start_passthrough(
        self, launcher: Sequence[str] = (), seconds: float = START_SECONDS
    ) -> Running:
        """Start the yardstick."""
        arguments = ["-m", "benchmarks.passthrough", "--upstream", self.upstream_url]
        proxy = self._start("passthrough", arguments, launcher)
        await proxy.healthy("/", seconds)
        return proxy

    def exec_server(self, name: str = "duihua", setting: Setting | None = None) -> Running:
        """Start Duihua with the data folder `name`, as a user would, but with nothing from outside."""
        setting = setting or Setting()
        environment = {
            "DUIHUA_DATA_DIR": str(self.folder / name),
            "DUIHUA_DISCOVER": "false",
            "DUIHUA_LOG_LEVEL": "warning",
            "DUIHUA_DEFAULT_MODEL": "bench",
            "OPENAI_BASE_URL": self.upstream_url,
        } | dict(setting.environment)
        return self._start(name, ["-m", setting.module, "serve"], setting.launcher, environment)

    async def start_server(
        self, name: str = "duihua", setting: Setting | None = None, seconds: float = START_SECONDS
    ) -> Running:
        """The same, and wait until it is healthy."""
        server = self.exec_server(name, setting)
        await server.healthy(seconds=seconds)
        return server

    def _start(
        self,
        name: str,
        arguments: Sequence[str],
        launcher: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Running:
        port = free_port()
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("DUIHUA_", "OPENAI_", "DATABASE_"))
        }
        path = os.pathsep.join(filter(None, (str(ROOT), inherited.get("PYTHONPATH"))))
        running = Running(
            [*launcher, sys.executable, *arguments, "--port", str(port)],
            port,
            self.folder / f"{name}.log",
            inherited | {"PYTHONPATH": path} | dict(environment or {}),
        )
        self.running.append(running)
        return running

    def complaints(self, name: str = "duihua") -> list[str]:
        """What a server wrote to its log: warnings and errors only."""
        log = self.folder / f"{name}.log"
        return log.read_text(errors="replace").splitlines() if log.exists() else []


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A stage with its upstream started; everything on it is ended, and the folder removed, at the end."""
    with tempfile.TemporaryDirectory(prefix="duihua-bench-") as folder:
        opened = Stage(Path(folder))
        try:
            await opened.start_upstream()
            yield opened
        finally:
            for running in opened.running:
                if running.is_running:
                    running.kill()
