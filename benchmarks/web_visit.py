"""A visit of a page in Chromium, and what it costs there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Browser, CDPSession, Page

_HERE = Path(__file__).parent
_MARKED = _HERE.parent / "web" / "node_modules" / "marked" / "lib" / "marked.esm.js"
_FRAMES = """() => { window.frames_ = 0; window.began_ = performance.now();
  const next = () => { window.frames_++; requestAnimationFrame(next); }; requestAnimationFrame(next); }"""
_DROPPED = "() => 1 - window.frames_ / ((performance.now() - window.began_) / (1000 / 60))"

# Told, not asked for: Playwright's waiting looks at the whole page with each frame, which would be counted.
_ENDED = """() => new Promise((end) => {
  const chat = document.querySelector(".chat");
  const look = () => chat.dataset.state === "ready" && end();
  new MutationObserver(look).observe(chat, { attributeFilter: ["data-state"] });
  look();
})"""


class Streamed(NamedTuple):
    """Of one reply: script and the main thread's CPU in ms, and the share of frames that did not come."""

    script_ms: float
    cpu_ms: float
    dropped: float


class Visit(NamedTuple):
    """A fresh page, and its DevTools."""

    page: Page
    devtools: CDPSession
    origin: str

    async def streamed(self, work: Callable[[], Awaitable[object]]) -> Streamed:
        """What `work` costs on the page's main thread."""
        await self.page.evaluate(_FRAMES)
        before = await self._cpu_ms()
        await self.devtools.send("Profiler.start")
        await work()
        dropped = await self.page.evaluate(_DROPPED)
        profile = (await self.devtools.send("Profiler.stop"))["profile"]
        cpu = await self._cpu_ms() - before
        return Streamed(_script_share(profile) * cpu, cpu, max(0.0, dropped))

    async def _cpu_ms(self) -> float:
        metrics = (await self.devtools.send("Performance.getMetrics"))["metrics"]
        return next(1000 * float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    async def ask(self, chat_id: str, text: str = "说吧") -> None:
        """Send in the client, and wait for the end of the reply."""
        if chat_id not in self.page.url:
            await self.page.locator(f'.chat-link[href="/c/{chat_id}"]').click()
        await self.page.locator('.chat[data-state="ready"]').wait_for()
        count = await self.page.locator("article.assistant").count()
        await self.page.locator(".composer textarea").fill(text)
        await self.page.keyboard.press("Enter")
        await self.page.locator("article.assistant").nth(count).wait_for()
        await self.page.evaluate(_ENDED)


def _script_share(profile: dict[str, Any]) -> float:
    """Of the samples in which the thread was at work, those in JavaScript or its garbage collector."""
    kinds = {node["id"]: node["callFrame"]["functionName"] for node in profile["nodes"]}
    at_work = [
        kind for kind in map(kinds.__getitem__, profile["samples"]) if kind not in {"(idle)", "(root)"}
    ]
    return sum(kind != "(program)" for kind in at_work) / max(1, len(at_work))


@asynccontextmanager
async def visiting(browser: Browser, origin: str, path: str) -> AsyncIterator[Visit]:
    """A fresh profile at a page of ours, or at `/bench/naive`."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="zh-CN", service_workers="block"
    )
    page = await context.new_page()
    await page.route("**/bench/naive", lambda route: route.fulfill(path=_HERE / "web_naive.html"))
    await page.route("**/bench/marked.esm.js", lambda route: route.fulfill(path=_MARKED))
    devtools = await context.new_cdp_session(page)
    await devtools.send("Profiler.enable")
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.goto(origin + path)
    if path.startswith("/bench"):
        await page.wait_for_function("() => window.ready")
    else:
        await page.locator(".composer").wait_for()
    try:
        yield Visit(page, devtools, origin)
    finally:
        await context.close()
