"""The web client in a browser, beside a page that renders the whole Markdown again with each event.

    python -m benchmarks.web [--seconds 20] [--only streams]     (or: make bench-web)

Both pages come from the same server, in one Chromium, one after the other, and follow the same reply: 20 KB
of mixed Markdown in 20 seconds and some 2,000 events. (As it is configured, a server tells a quarter as many:
here it commits every 10 ms.) A third page only reads the events; what it takes is the harness's, and is taken
off. Milliseconds are CPU of the page's main thread, so that other work on the machine counts little; script
is the share of them that the profiler finds in JavaScript. Frames are by the clock, and say as much of the
machine as of the page. An hour is 60 replies of a minute at 50 tokens a second, each in another conversation
than before. They come at once, and then nine seconds of the minute pass: a browser collects its garbage when
nothing else is to be done, and without such seconds the figure would be of garbage. After the last one
somebody reads for a whole minute. The tab is in a Chromium of its own that nothing watches (web_tab.py). Its
memory is the private footprint of its process, in MB of 10^6 bytes, and nobody asks it to collect anything
before the last two figures.
"""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import aiohttp
import msgspec
from playwright.async_api import Browser, Page, async_playwright

from benchmarks.api import Api
from benchmarks.figures import middle, table, verdict
from benchmarks.processes import Setting, stage
from benchmarks.web_tab import tab
from benchmarks.web_visit import Streamed, visiting
from duihua.providers.offline import tokens_of

_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_OFFLINE = {"OPENAI_BASE_URL": "", "DUIHUA_DEFAULT_MODEL": ""}
Figures = tuple[Sequence[Sequence[object]], Sequence[tuple[str, bool]]]
"""Rows of the table; what must hold, and whether it does."""
_PAGES = ("duihua", "naive")
_LENGTH = 20_480
_MESSAGES = 2000
_HOUR = 60
_HOURS_TOKENS = 3000
_READING_SECONDS = 9
_REST_SECONDS = 60
_SECTION = """## 第 {n} 节 Section {n}

**重点。**后面是 some English text with `code`, and a [link](https://example.com/{n})；再写几句，把这一段写满。

- 第一项 item one
  - 里面一项 nested **bold**
- 第二项 item two，costs $5

> 引用 a quote of {n} words，$E = mc^2$

```python
def f{n}(x: int) -> int:
    return x + {n}
```

| 名称 | value |
|---|---|
| 甲 {n} | 1 |

"""
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


async def _first_paint(browser: Browser, origin: str) -> tuple[float, float]:
    """Ms to the first paint, and KiB of JavaScript that came before it: the median of five visits."""
    seen = []
    for _ in range(5):
        async with visiting(browser, origin, "/") as visit:
            await visit.page.wait_for_function("() => performance.getEntriesByType('paint').length > 1")
            seen.append(await visit.page.evaluate(_PAINTED))
    return middle([at for at, _ in seen]), middle([size for _, size in seen]) / 1024


async def _streams(browser: Browser, api: Api, seconds: float) -> tuple[int, dict[str, Streamed]]:
    """The same reply in three pages, and the number of its events."""
    text = "".join(_SECTION.format(n=n) for n in range(round(seconds / 20 * _LENGTH / len(_SECTION))))
    config = {"offline": {"text": text, "rate": sum(1 for _ in tokens_of(text)) / seconds}}
    origin, found, counts = f"http://127.0.0.1:{api.port}", {}, []
    for name in ("readOnly", "naive"):
        chat = await api.conversation(title=name, config=config)
        async with visiting(browser, origin, "/bench/naive") as visit:

            async def follow(page: Page = visit.page, name: str = name, chat: str = chat) -> None:
                counts.append(await page.evaluate(f"(chat) => window.{name}(chat)", chat))

            found[name] = await visit.streamed(follow)
    chat = await api.conversation(title="duihua", config=config)
    async with visiting(browser, origin, f"/c/{chat}") as visit:
        found["duihua"] = await visit.streamed(lambda: visit.ask(chat))
    return min(counts), found


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
    async with visiting(browser, origin, "/bench/naive") as visit:
        naive = await visit.page.evaluate("(chat) => window.open(chat)", chat)
    async with visiting(browser, origin, "/") as visit:
        await visit.page.locator(f'.chat-link[href="/c/{chat}"]').wait_for()
        last = f"第 {_MESSAGES - 1} 节"
        opened = await visit.page.evaluate(_OPEN, ["很长的对话", last])
    return {"naive": naive, "duihua": opened}


class _Hour(NamedTuple):
    """MB: the tab before, at its largest, a minute after, with its garbage collected; the heap in that."""

    before: float
    most: float
    after: float
    collected: float
    heap: float
    nodes: int


async def _hour(api: Api) -> _Hour:
    text = "".join(_SECTION.format(n=n) for n in range(_HOURS_TOKENS // sum(1 for _ in tokens_of(_SECTION))))
    chats = [
        await api.conversation(title=f"{n}", config={"offline": {"text": text, "rate": 0}})
        for n in range(_HOUR // 4)
    ]
    async with tab(_chromium(), _FLAGS, f"http://127.0.0.1:{api.port}") as visited:
        seen = [visited.megabytes()]
        for n in range(_HOUR):
            await visited.ask(chats[n % len(chats)], "说吧")
            seen.append(visited.megabytes())
            await asyncio.sleep(_READING_SECONDS)
            seen.append(visited.megabytes())
        await asyncio.sleep(_REST_SECONDS)
        after = visited.megabytes()
        heap, nodes = await visited.alive()
        return _Hour(seen[0], max(seen), after, visited.megabytes(), heap, nodes)


async def measure(seconds: float, parts: Collection[str]) -> int:
    """What is asked for, one after the other."""
    rows: list[Sequence[object]] = []
    checks: list[tuple[str, bool]] = []
    async with stage() as on, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_chromium(), args=_FLAGS)
        for part in parts:
            # 10 ms: a hundred events in a second, of which a reader at 40 ms would be told a quarter.
            tick = {"DUIHUA_JOURNAL_TICK_MS": "10"} if part == "streams" else {}
            server = await on.start_server(part, Setting(_OFFLINE | tick))
            async with Api(server.port) as api:
                more_rows, more_checks = await _PARTS[part](browser, api, seconds)
            rows += more_rows
            checks += more_checks
            await server.stop()
        await browser.close()
    table("The web client and a naive page", ("", *_PAGES, "only reads"), rows)
    return verdict(checks)


async def _paint_figures(browser: Browser, api: Api, _: float) -> Figures:
    painted, script = await _first_paint(browser, f"http://127.0.0.1:{api.port}")
    rows = [
        ("JavaScript before the first paint, KiB as sent", f"{script:.0f}", "-", ""),
        ("first paint, ms", f"{painted:.0f}", "-", ""),
    ]
    checks = [
        (f"JavaScript before the first paint: {script:.0f} <= 100 KiB", script <= 100),
        (f"first paint: {painted:.0f} <= 600 ms", painted <= 600),
    ]
    return rows, checks


async def _stream_figures(browser: Browser, api: Api, seconds: float) -> Figures:
    events, found = await _streams(browser, api, seconds)
    reader = found["readOnly"]
    net = {
        name: Streamed(
            1000 * (each.script_ms - reader.script_ms) / events,
            1000 * (each.cpu_ms - reader.cpu_ms) / events,
            each.dropped,
        )
        for name, each in found.items()
    }
    dropped = {name: 100 * each.dropped for name, each in net.items()}
    ours = net["duihua"].script_ms
    rows = [
        (f"script per 1,000 events ({events} came), ms", *_row({k: v.script_ms for k, v in net.items()}), ""),
        ("CPU of the main thread for them, ms", *_row({k: v.cpu_ms for k, v in net.items()}), ""),
        ("frames that did not come, %", *_row(dropped, 1), f"{dropped['readOnly']:.1f}"),
    ]
    checks = [
        (f"script per 1,000 events: {ours:.0f} <= 600 ms", ours <= 600),
        (f"frames that did not come: {dropped['duihua']:.1f} <= 5 %", dropped["duihua"] <= 5),
    ]
    return rows, checks


async def _long_figures(browser: Browser, api: Api, _: float) -> Figures:
    opened = await _opened(browser, api)
    ours = opened["duihua"]
    rows = [("a conversation of 2,000 messages opened, ms", *_row(opened), "")]
    return rows, [(f"2,000 messages: {ours:.0f} <= 500 ms", ours <= 500)]


async def _hour_figures(_browser: Browser, api: Api, _: float) -> Figures:
    hour = await _hour(api)
    rows = [
        ("the tab before an hour, MB", f"{hour.before:.0f}", "-", ""),
        ("after it, a minute later, MB", f"{hour.after:.0f}", "-", ""),
        ("at its largest within it, MB", f"{hour.most:.0f}", "-", ""),
        ("after it, its garbage collected, MB", f"{hour.collected:.0f}", "-", ""),
        (f"of that, JavaScript, MB ({hour.nodes} nodes)", f"{hour.heap:.1f}", "-", ""),
    ]
    return rows, [(f"an hour, at its largest: {hour.most:.0f} < 150 MB", hour.most < 150)]


_PARTS = {
    "paint": _paint_figures,
    "streams": _stream_figures,
    "long": _long_figures,
    "hour": _hour_figures,
}


def _chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert found, "needs Chromium"
    return found


def _row(values: Mapping[str, float], digits: int = 0) -> list[str]:
    return [f"{values[name]:.{digits}f}" for name in _PAGES]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20, help="how long a streamed reply takes")
    parser.add_argument("--only", choices=_PARTS, action="append", help="this part; may be said again")
    arguments = parser.parse_args()
    return asyncio.run(measure(arguments.seconds, arguments.only or list(_PARTS)))


if __name__ == "__main__":
    sys.exit(main())
