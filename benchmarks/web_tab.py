"""A tab as a person has it: nothing of DevTools watches it but a call when something is to be done."""

import asyncio
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

_BUSY = "{ const until = performance.now() + 1000; while (performance.now() < until); }"
_THERE = """new Promise((there) => { const look = () => document.querySelector(".composer")
  ? there() : setTimeout(look, 50); look(); })"""
# Looked for by a timer, not by each frame: waiting must not make work that a person's tab has not.
_ASK = """(async (chat, text) => {
  const until = async (found) => { while (!found()) await new Promise((again) => setTimeout(again, 50)); };
  const ready = () => document.querySelector('.chat[data-state="ready"]');
  const link = () => document.querySelector(`.chat-link[href="/c/${chat}"]`);
  await until(link);
  link().click();
  await until(() => location.pathname === `/c/${chat}` && ready());
  const replies = () => document.querySelectorAll("article.assistant").length;
  const count = replies();
  const field = document.querySelector(".composer textarea");
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await new Promise((shown) => setTimeout(shown, 50));
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  await until(() => replies() > count && ready());
})"""


class Tab:
    """The page at `origin`; figures of its process."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0
        self._session = ""
        self._pid = 0

    async def open(self, origin: str) -> None:
        """Its page is there afterwards."""
        made = await self._send("Target.createTarget", url="about:blank")
        attached = await self._send("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self._send("Page.navigate", url=origin)
        await self.run(_THERE)
        before = await self._processes()
        await self.run(_BUSY)
        after = await self._processes()
        # Chromium has renderers in reserve, and begins more: the one that was just busy is the page's.
        busy = {pid: after[pid] - before[pid] for pid in before.keys() & after.keys()}
        self._pid = max(busy, key=busy.__getitem__)
        assert busy[self._pid] > sum(busy.values()) / 2 > 25, f"which process is the page's? {busy}"

    async def ask(self, chat: str, text: str) -> None:
        """Open a conversation, send, and wait for the end of the reply."""
        await self.run(f'{_ASK}("{chat}", "{text}")')

    async def run(self, script: str) -> None:
        """In the page; a promise is waited for."""
        said = await self._send("Runtime.evaluate", expression=script, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]

    def megabytes(self) -> float:
        """MB (10^6 bytes) that its process has for itself: heap, elements, images, compiled code, the engine.

        Chromium's own "memory footprint" on Linux, as its task manager shows it: no shared libraries.
        """
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return (
            sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "VmSwap"))) / 976.5625
        )

    async def alive(self) -> tuple[float, int]:
        """After its garbage is collected: MB of JavaScript objects, and nodes of documents."""
        for _ in range(3):
            await self._send("HeapProfiler.collectGarbage")
        usage = await self._send("Runtime.getHeapUsage")
        return usage["usedSize"] / 1e6, (await self._send("Memory.getDOMCounters"))["nodes"]

    async def _processes(self) -> dict[int, int]:
        """CPU of the renderers in ticks, by process id."""
        found = (await self._send("SystemInfo.getProcessInfo", session=False))["processInfo"]
        return {int(each["id"]): _ticks(int(each["id"])) for each in found if each["type"] == "renderer"}

    async def _send(self, method: str, *, session: bool = True, **params: object) -> Any:
        self._last += 1
        message: dict[str, object] = {"id": self._last, "method": method, "params": params}
        if session and self._session:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        while (answer := await self._socket.receive_json()).get("id") != self._last:
            pass
        assert "error" not in answer, answer["error"]
        return answer["result"]


def _ticks(pid: int) -> int:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)


@asynccontextmanager
async def tab(chromium: str, flags: Sequence[str], origin: str) -> AsyncIterator[Tab]:
    """A Chromium of its own with a fresh profile, at the page."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        address = (f"--user-data-dir={profile}", "--headless=new", "--remote-debugging-port=0")
        window = ("--window-size=1280,800", "--lang=zh-CN")
        process = await asyncio.create_subprocess_exec(chromium, *flags, *address, *window, stderr=PIPE)
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(await _address(process), max_msg_size=0) as socket,
            ):
                found = Tab(socket)
                await found.open(origin)
                yield found
        finally:
            process.terminate()
            await process.wait()


async def _address(process: Process) -> str:
    assert process.stderr
    async for line in process.stderr:
        if told := re.search(rb"ws://\S+", line):
            return told[0].decode()
    raise RuntimeError("Chromium did not start")
