"""The parent of the workers where the system starts no process; the workers here only say that they serve."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from duihua import supervisor
from duihua.supervisor import Supervisor
from tests.fixtures.server import config_for

Lines = list[MutableMapping[str, Any]]
SERVES = "Duihua 对话"
PAUSE_SECONDS = 0.05
# Says that it serves, or does not, and lives until its parent is gone.
WORKER = """
import os, socket
line = socket.socket(fileno=int(os.environ["DUIHUA_INHERITED"].split()[1]))
if os.environ["SAYS"]:
    line.send(b"!")
line.recv(1)
"""
REFUSALS = {
    "no process": BlockingIOError(11, "Resource temporarily unavailable"),
    "no program": FileNotFoundError(2, "No such file or directory"),
    "no thread": RuntimeError("can't start new thread"),
}


class Starts:
    """What is asked of the system; `refusal` is its answer, where there is one."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.refused_at: list[float] = []
        self.pids: list[int] = []
        self._start = asyncio.create_subprocess_exec

    async def __call__(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        if self.refusal is not None:
            self.refused_at.append(asyncio.get_running_loop().time())
            raise self.refusal
        process = await self._start(*words, **options)
        self.pids.append(process.pid)
        return process


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Starts:
    starts = Starts()
    monkeypatch.setattr(asyncio, "create_subprocess_exec", starts)
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-S", "-E", "-c", WORKER])
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", PAUSE_SECONDS)
    monkeypatch.setenv("SAYS", "yes")
    return starts


@pytest.fixture
def lines() -> Iterator[Lines]:
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def broken() -> list[dict[str, Any]]:
    """What went wrong where nobody waits for it."""
    return []


@asynccontextmanager
async def supervised(tmp_path: Path, broken: list[dict[str, Any]]) -> AsyncIterator[asyncio.Task[bool]]:
    """A parent of two; told to stop at the end."""
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    config = config_for("postgresql://nowhere/nothing", tmp_path, workers=2, drain_seconds=0)
    listeners = supervisor.listen("127.0.0.1", 0)
    running = asyncio.create_task(Supervisor(config, listeners, str(tmp_path)).run())
    try:
        yield running
    finally:
        if not running.done():
            signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            with suppress(OSError, RuntimeError):
                await running
        for listener in listeners:
            listener.close()


async def said(lines: Lines, event: str, number: int = 1) -> Lines:
    """Wait for so many lines whose event begins so."""
    await until(lambda: len(found(lines, event)) >= number)
    return found(lines, event)


def found(lines: Lines, event: str) -> Lines:
    return [line for line in lines if line["event"].startswith(event)]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_place_is_filled_once_processes_can_be_started(
    tmp_path: Path, starts: Starts, lines: Lines, broken: list[dict[str, Any]], refusal: str
) -> None:
    """Asked after a pause that grows, even if the one that died had lived for long."""
    async with supervised(tmp_path, broken) as running:
        await said(lines, SERVES)
        starts.refusal = REFUSALS[refusal]
        os.kill(starts.pids[0], signal.SIGKILL)
        await until(lambda: len(starts.refused_at) >= 4)
        starts.refusal = None
        (serves,) = await said(lines, "a worker serves in its place")
        assert (serves["worker"], serves["pid"]) == (1, starts.pids[-1])
        assert found(lines, "a worker cannot be started")[0]["reason"] == str(REFUSALS[refusal])
        signal.raise_signal(signal.SIGTERM)
        assert await running
    assert broken == []


async def test_the_pause_grows_after_a_long_life_too(
    tmp_path: Path,
    starts: Starts,
    lines: Lines,
    broken: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "STEADY_SECONDS", -1.0)
    async with supervised(tmp_path, broken):
        await said(lines, SERVES)
        starts.refusal = REFUSALS["no process"]
        os.kill(starts.pids[0], signal.SIGKILL)
        await until(lambda: len(starts.refused_at) >= 4)
    pauses = [later - at for at, later in zip(starts.refused_at, starts.refused_at[1:], strict=False)]
    # A sleep may be longer than it was told to be.
    assert all(pause >= 0.99 * PAUSE_SECONDS * 2**n for n, pause in enumerate(pauses[:3], start=1)), pauses


async def test_a_renewal_that_starts_no_process_leaves_the_old_ones(
    tmp_path: Path, starts: Starts, lines: Lines, broken: list[dict[str, Any]]
) -> None:
    """And the next one renews them."""
    async with supervised(tmp_path, broken):
        await said(lines, SERVES)
        old = list(starts.pids)
        starts.refusal = REFUSALS["no program"]
        signal.raise_signal(signal.SIGHUP)
        (ends,) = await said(lines, "a new worker did not start; the renewal ends here")
        assert ends["worker"] == 1
        starts.refusal = None
        assert not found(lines, "a worker died")
        signal.raise_signal(signal.SIGHUP)
        renewed = await said(lines, "a worker was renewed", 2)
        assert [line["pid"] for line in renewed] == starts.pids[2:]
        assert not set(old) & set(starts.pids[2:])
    assert broken == []


async def test_where_no_process_can_be_started_the_server_ends(
    tmp_path: Path, starts: Starts, lines: Lines, broken: list[dict[str, Any]]
) -> None:
    starts.refusal = REFUSALS["no process"]
    async with supervised(tmp_path, broken) as running, asyncio.timeout(10):
        assert not await running
    assert found(lines, "a worker did not start; stopping")
    assert broken == []


async def test_what_was_opened_for_a_process_that_does_not_start_is_closed(
    tmp_path: Path, starts: Starts, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[socket.socket] = []
    pair = socket.socketpair

    def recorded() -> tuple[socket.socket, socket.socket]:
        ends = pair()
        opened.extend(ends)
        return ends

    monkeypatch.setattr(socket, "socketpair", recorded)
    starts.refusal = REFUSALS["no process"]
    with pytest.raises(BlockingIOError):
        await supervisor.Worker.start(1, [], str(tmp_path))
    assert len(opened) == 2
    assert all(end.fileno() == -1 for end in opened)


async def test_a_stop_while_another_one_starts_is_quiet(
    tmp_path: Path,
    starts: Starts,
    lines: Lines,
    broken: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with supervised(tmp_path, broken) as running:
        await said(lines, SERVES)
        monkeypatch.setenv("SAYS", "")
        os.kill(starts.pids[0], signal.SIGKILL)
        await until(lambda: len(starts.pids) == 3)
        # It is waited for now.
        await asyncio.sleep(0.1)
        signal.raise_signal(signal.SIGTERM)
        assert await running
    assert broken == []
