"""The web client in a browser, beside a page that renders the whole Markdown again with each event.

    python -m benchmarks.web [--seconds 8]     (or: make bench-web)

Both pages come from the same server, in one Chromium, one after the other, and follow the same reply of 250
tokens a second, which the server tells in some 25 events a second. Script time is what the CPU profiler
samples outside of idling, CPU that of the whole main thread, layout and paint too; both without what a page
takes that only reads the events. An hour of use is 60 replies, each in another conversation than before;
memory is the JavaScript heap after a garbage collection.
"""

import argparse
import asyncio
import itertools
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from benchmarks.api import Api
from benchmarks.figures import middle, table, verdict
from benchmarks.processes import Setting, stage
from duihua.providers.offline import tokens_of

_HERE = Path(__file__).parent
_MARKED = _HERE.parent / "web" / "node_modules" / "marked" / "lib" / "marked.esm.js"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_OFFLINE = Setting({"OPENAI_BASE_URL": "", "DUIHUA_DEFAULT_MODEL": ""})
_PAGES = ("duihua", "naive")
_RATE = 250
_MESSAGES = 2000
_HOUR = 60
_MIB = 1024 * 1024
_SECTION = """## 第 {n} 节 Section {n}

**重点。**后面是 some English text with `code`, and a [link](https://example.com/{n})；再写几句，把这一段写满。

- 第一项 item one
- 第二项 item two

```python
def f{n}(x: int) -> int:
    return x + {n}
```

| 名称 | value |
|---|---|
| 甲 {n} | 1 |

"""
_FRAMES = """() => { window.frames_ = 0; window.began_ = performance.now();
  const next = () => { window.frames_++; requestAnimationFrame(next); }; requestAnimationFrame(next); }"""
_DROPPED = "() => 1 - window.frames_ / ((performance.now() - window.began_) / (1000 / 60))"
_PAINTED = """() => { const at = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  const before = performance.getEntriesByType("resource").filter((e) => e.responseEnd <= at);
  const js = before.filter((e) => e.name.endsWith(".js"));
  return [at, js.reduce((sum, e) => sum + e.encodedBodySize, 0)]; }"""
_OPEN = """async ([name, last]) => {
  const link = [...document.querySelectorAll(".chat-link")].find((e) => e.textContent.trim() === name);
  const began = performance.now();
  link.click();
  while (![...document.querySelectorAll("article")].some((e) => e.textContent.includes(last)))
    await new Promise(requestAnimationFrame);
  await new Promise((shown) => requestAnimationFrame(() => setTimeout(shown)));
  return performance.now() - began;
}"""


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
        return Streamed(_script_ms(profile), await self._cpu_ms() - before, max(0.0, dropped))

    async def _cpu_ms(self) -> float:
        metrics = (await self.devtools.send("Performance.getMetrics"))["metrics"]
        return next(1000 * float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    async def heap(self) -> float:
        """MiB of live JavaScript objects."""
        for _ in range(3):
            await self.devtools.send("HeapProfiler.collectGarbage")
        usage = await self.devtools.send("Runtime.getHeapUsage")
        return float(usage["usedSize"]) / _MIB

    async def ask(self, chat_id: str, text: str = "说吧") -> None:
        """Send in the client, and wait for the end of the reply."""
        if chat_id not in self.page.url:
            await self.page.locator(f'.chat-link[href="/c/{chat_id}"]').click()
        await self.page.locator('.chat[data-state="ready"]').wait_for()
        count = await self.page.locator("article.assistant").count()
        await self.page.locator(".composer textarea").fill(text)
        await self.page.keyboard.press("Enter")
        await self.page.locator("article.assistant").nth(count).wait_for()
        await self.page.locator('.chat[data-state="ready"]').wait_for(timeout=120_000)


def _script_ms(profile: dict[str, Any]) -> float:
    resting = {"(idle)", "(program)", "(root)"}
    names = {node["id"]: node["callFrame"]["functionName"] for node in profile["nodes"]}
    pairs = zip(profile["samples"], profile["timeDeltas"], strict=True)
    return float(sum(delta for node, delta in pairs if names[node] not in resting)) / 1000


@asynccontextmanager
async def _visiting(browser: Browser, origin: str, path: str) -> AsyncIterator[Visit]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    page = await context.new_page()
    await page.route("**/bench/naive", lambda route: route.fulfill(path=_HERE / "web_naive.html"))
    await page.route("**/bench/marked.esm.js", lambda route: route.fulfill(path=_MARKED))
    devtools = await context.new_cdp_session(page)
    await devtools.send("Profiler.enable")
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.goto(origin + path)
    if path.startswith("/bench"):
        await page.wait_for_function("window.ready")
    else:
        await page.locator(".composer").wait_for()
    try:
        yield Visit(page, devtools, origin)
    finally:
        await context.close()


async def _first_paint(browser: Browser, origin: str) -> tuple[float, float]:
    """Ms to the first paint, and KiB of JavaScript that came before it: the median of five visits."""
    seen = []
    for _ in range(5):
        async with _visiting(browser, origin, "/") as visit:
            await visit.page.wait_for_function("performance.getEntriesByType('paint').length > 1")
            seen.append(await visit.page.evaluate(_PAINTED))
    return middle([at for at, _ in seen]), middle([size for _, size in seen]) / 1024


async def _streams(browser: Browser, api: Api, seconds: float) -> tuple[int, int, dict[str, Streamed]]:
    """The same reply in three pages; the number of its tokens and of its events."""
    sections = itertools.islice((_SECTION.format(n=n) for n in itertools.count()), int(seconds * _RATE / 60))
    text = "".join(sections)
    tokens = sum(1 for _ in tokens_of(text))
    config = {"offline": {"text": text, "rate": _RATE}}
    origin, found, count = f"http://127.0.0.1:{api.port}", {}, 0
    for name in ("readOnly", "naive"):
        chat = await api.conversation(title=name, config=config)
        async with _visiting(browser, origin, "/bench/naive") as visit:

            async def follow(page: Page = visit.page, name: str = name, chat: str = chat) -> None:
                nonlocal count
                count = await page.evaluate(f"(chat) => window.{name}(chat)", chat)

            found[name] = await visit.streamed(follow)
    chat = await api.conversation(title="duihua", config=config)
    async with _visiting(browser, origin, f"/c/{chat}") as visit:
        found["duihua"] = await visit.streamed(lambda: visit.ask(chat))
    return tokens, count, found


async def _import_long(api: Api) -> str:
    """A conversation of many messages; its uuid."""
    uuids = [f"00000000-0000-4000-8000-{n:012}" for n in range(_MESSAGES)]
    messages = [
        {
            "uuid": uuid,
            "role": "assistant" if n % 2 else "user",
            "content": _SECTION.format(n=n) if n % 2 else f"第 {n} 问",
            **{"created_at": "2026-01-31T08:00:00Z", "updated_at": "2026-01-31T08:00:00Z"},
            **({"parent": uuids[n - 1]} if n else {}),
        }
        for n, uuid in enumerate(uuids)
    ]
    about = {"uuid": uuids[0].replace("8", "9"), "title": "很长的对话", "active_leaf": uuids[-1]}
    about |= {"created_at": "2026-01-31T08:00:00Z", "updated_at": "2026-01-31T08:00:00Z"}
    archive = {"format": "duihua", "version": 1, "conversation": about, "messages": messages}
    form = aiohttp.FormData({"file": msgspec.json.encode(archive)})
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{api.port}/chat/import", data=form) as response,
    ):
        return str((await response.json())["data"]["conversations"][0]["uuid"])


async def _opened(browser: Browser, api: Api) -> dict[str, float]:
    """Ms until the long conversation is on the screen."""
    chat = await _import_long(api)
    origin = f"http://127.0.0.1:{api.port}"
    async with _visiting(browser, origin, "/bench/naive") as visit:
        naive = await visit.page.evaluate("(chat) => window.open(chat)", chat)
    async with _visiting(browser, origin, "/") as visit:
        await visit.page.locator(f'.chat-link[href="/c/{chat}"]').wait_for()
        last = f"第 {_MESSAGES - 1} 节"
        opened = await visit.page.evaluate(_OPEN, ["很长的对话", last])
    return {"naive": naive, "duihua": opened}


async def _hour(browser: Browser, api: Api) -> dict[str, tuple[float, float]]:
    """MiB of heap before and after."""
    text = "".join(_SECTION.format(n=n) for n in range(10))
    chats = [
        await api.conversation(title=f"{n}", config={"offline": {"text": text, "rate": 0}})
        for n in range(_HOUR // 4)
    ]
    origin, found = f"http://127.0.0.1:{api.port}", {}
    async with _visiting(browser, origin, "/bench/naive") as visit:
        before = await visit.heap()
        for n in range(_HOUR):
            await visit.page.evaluate("(chat) => window.naive(chat)", chats[n % len(chats)])
        found["naive"] = (before, await visit.heap())
    async with _visiting(browser, origin, "/") as visit:
        before = await visit.heap()
        for n in range(_HOUR):
            await visit.ask(chats[n % len(chats)])
        found["duihua"] = (before, await visit.heap())
    return found


async def measure(seconds: float) -> int:
    """Everything, one after the other."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    async with stage() as on, async_playwright() as playwright:
        server = await on.start_server("web", _OFFLINE)
        browser = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        async with Api(server.port) as api:
            painted, script = await _first_paint(browser, f"http://127.0.0.1:{server.port}")
            tokens, events, streamed = await _streams(browser, api, seconds)
            opened = await _opened(browser, api)
            heap = await _hour(browser, api)
        await browser.close()
        await server.stop()
    reader = streamed["readOnly"]
    cost = {name: 1000 * (streamed[name].script_ms - reader.script_ms) / tokens for name in _PAGES}
    cpu = {name: 1000 * (streamed[name].cpu_ms - reader.cpu_ms) / tokens for name in _PAGES}
    rows = [
        ("JavaScript before the first paint, KiB as sent", f"{script:.0f}", "-"),
        ("first paint, ms", f"{painted:.0f}", "-"),
        (f"script per 1,000 tokens, ms ({tokens} in {events} events)", *_row(cost)),
        ("CPU of the main thread per 1,000 tokens, ms", *_row(cpu)),
        ("frames that did not come, %", *_row({name: 100 * streamed[name].dropped for name in _PAGES})),
        ("a conversation of 2,000 messages opened, ms", *_row(opened)),
        ("heap before an hour, MiB", *_row({name: heap[name][0] for name in _PAGES}, 1)),
        ("heap after an hour, MiB", *_row({name: heap[name][1] for name in _PAGES}, 1)),
    ]
    table("The web client and a naive page", ("", *_PAGES), rows)
    return verdict(
        [
            (f"JavaScript before the first paint: {script:.0f} <= 100 KiB", script <= 100),
            (f"first paint: {painted:.0f} <= 600 ms", painted <= 600),
            (f"script per 1,000 tokens: {cost['duihua']:.0f} <= 600 ms", cost["duihua"] <= 600),
            (f"2,000 messages: {opened['duihua']:.0f} <= 500 ms", opened["duihua"] <= 500),
            (f"an hour: {heap['duihua'][1]:.0f} < 150 MiB", heap["duihua"][1] < 150),
        ]
    )


def _row(values: Mapping[str, float], digits: int = 0) -> list[str]:
    return [f"{values[name]:.{digits}f}" for name in _PAGES]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8, help="how long a streamed reply takes")
    return asyncio.run(measure(parser.parse_args().seconds))


if __name__ == "__main__":
    sys.exit(main())
