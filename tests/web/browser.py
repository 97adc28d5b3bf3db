"""Chromium for the tests of the client: one context a visit, and nothing but this machine."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from duihua.http import web_client
from tests.architecture.tree import ROOT
from tests.fixtures.client import Client
from tests.fixtures.upstream import Script, Upstream, models

SCREENSHOTS = Path(__file__).parent / "screenshots"
_AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => (await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] })).violations
  .map((v) => `${v.id}: ${v.nodes.map((n) => n.target + " " + n.failureSummary).join(" | ")}`)"""
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The browser; skips without one or without the built client, but not in CI."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if found is None or not (web_client.BUILT / "index.html").is_file():
        if os.environ.get("CI"):
            raise AssertionError("CI needs Chromium, and the client: `make web`")
        pytest.skip("needs Chromium, and the client (`make web`)")
    return found


async def ask(page: Page, text: str) -> None:
    """Write it and press Enter."""
    await page.get_by_role("textbox", name="消息").fill(text)
    await page.keyboard.press("Enter")


async def ask_anew(archive: Client, page: Page, question: str, **script: Any) -> None:
    """The same in a new conversation that the offline model answers by this script."""
    chat = await archive.conversation(title="新", config={"offline": script})
    await page.goto(f"{archive.origin}/c/{chat['uuid']}")
    await ask(page, question)


async def enter_while_composing(page: Page, typed: str, chosen: str) -> None:
    """Type with an input method, press Enter, and have it choose."""
    devtools = await page.context.new_cdp_session(page)
    place = {"selectionStart": len(typed), "selectionEnd": len(typed)}
    await devtools.send("Input.imeSetComposition", {"text": typed} | place)
    await page.keyboard.press("Enter")
    await devtools.send("Input.insertText", {"text": chosen})
    # No person's next key comes before the page's next task; on a busy machine a test's does.
    await page.evaluate("() => new Promise((done) => setTimeout(done))")


@asynccontextmanager
async def ask_small(
    archive: Client, page: Page, *scripts: Script, turns: int = 0, origin: str | None = None
) -> AsyncIterator[Upstream]:
    """Ask the model `small`, a server of these scripts, after `turns` that the offline model answered.

    The page reaches the archive at `origin`, or as everybody does.
    """
    async with Upstream(models("small"), *scripts) as upstream:
        made = {"model_url": upstream.url, "provider": "custom", "api_key": "sk-0123456789abcdef"}
        await archive.post("/chat/api-keys", made)
        chat = await archive.conversation(title="小", model_id="small")
        for n in range(turns):
            offline: dict[str, Any] = {"chat_id": chat["uuid"], "content": f"第 {n} 问"}
            await archive.post("/chat/messages", offline)
        await page.goto(f"{origin or archive.origin}/c/{chat['uuid']}")
        await ask(page, "问")
        yield upstream


@asynccontextmanager
async def held(page: Page, addresses: str) -> AsyncIterator[None]:
    """What is asked for at these addresses (an expression) is not answered before the end."""
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await page.route(re.compile(addresses), hold)
    yield
    released.set()


async def open_sharing(page: Page, origin: str, title: str) -> None:
    """The dialog that shares this conversation of the sidebar."""
    await page.goto(origin)
    row = page.locator(".chat-row", has_text=title)
    await row.hover()
    await row.get_by_role("button", name="的操作").click()
    await page.get_by_role("menuitem", name="分享…").click()


class Visitor:
    """A page, and what it did that no page of ours may do."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._see(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and self._hear(said.text))

    def _see(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.foreign.append(url)

    def _hear(self, text: str) -> None:
        # A refusal of the server is an answer, and the page shows it; where a file should have come, it
        # comes in a frame, and no page of ours is shown in one.
        if not text.startswith(("Failed to load resource: the server responded", "Refused to display")):
            self.complaints.append(text)

    async def shoot(self, name: str) -> None:
        """A screenshot for a person to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


async def clean(visitor: Visitor, name: str) -> None:
    """Axe-core: what is on the page now has no violation; `name` is that of its screenshot."""
    await visitor.page.evaluate(await asyncio.to_thread(_AXE.read_text, encoding="utf-8"))
    found = await visitor.page.evaluate(_RUN)
    await visitor.shoot(f"axe-{name}")
    assert found == [], f"{name}: " + "\n".join(found)


@asynccontextmanager
async def visiting(
    browser: Browser, origin: str, *, cuts: bool = False, **options: object
) -> AsyncIterator[Visitor]:
    """A fresh profile; afterwards, that nothing went elsewhere and nothing broke (`cuts`: but the line)."""
    # What a service worker fetches is out of a test's sight: only tests of it have one.
    wanted = {
        "locale": "zh-CN",
        "viewport": {"width": 1280, "height": 800},
        "service_workers": "block",
    } | options
    context = await browser.new_context(**wanted)  # type: ignore[arg-type]  # options as Playwright has them
    # On two cores that other tests fill, a page may take its time; what never comes still fails.
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    visitor = Visitor(await context.new_page(), origin)
    try:
        yield visitor
    finally:
        await context.close()
    assert visitor.foreign == []
    broken = [said for said in visitor.complaints if not (cuts and "net::ERR_" in said)]
    assert broken == [], "\n".join(broken)


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """A running browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        yield browser
        await browser.close()
