"""What is on the screen stays where it is while more comes."""

import struct
import zlib

import pytest
from playwright.async_api import expect

from tests.files.uploads import stored
from tests.fixtures.client import Client
from tests.web.browser import held
from tests.web.conftest import Visit

_MOVED = """
window.moved = 0;
window.movers = [];
new PerformanceObserver((list) => list.getEntries().filter((each) => !each.hadRecentInput).forEach((each) => {
  window.moved += each.value;
  for (const { node, previousRect: from, currentRect: to } of each.sources)
    window.movers.push(`${each.value.toFixed(4)} ${node?.className ?? node?.nodeName} ${from.y} ${to.y}`);
})).observe({ type: 'layout-shift', buffered: true });
"""
_TEXT = "前文。\n\n$$\\sum_{n=1}^\\infty \\frac{1}{n^2} = \\frac{\\pi^2}{6}$$\n\n```python\n" + (
    "print('你好')\n" * 12 + "```\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n\n" + "后文。" * 60
)
# It was at its end, and one has moved up.
_LET_GO = """() => {
  const { scrollHeight, scrollTop, clientHeight } = document.querySelector('.scroller');
  return scrollHeight - scrollTop - clientHeight > 50;
}"""
# How far an element has been from where it is now, in any frame from now on.
_WATCH = """(element) => {
  const { top } = element.getBoundingClientRect();
  window.jumped = 0;
  const look = () => {
    window.jumped = Math.max(window.jumped, Math.abs(element.getBoundingClientRect().top - top));
    requestAnimationFrame(look);
  };
  look();
}"""


def _picture(width: int, height: int) -> bytes:
    """A PNG of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xa6\x3c\x28" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def _conversation(archive: Client, title: str) -> str:
    """A picture, a formula and code at its beginning, and words until they are out of sight."""
    chat = str((await archive.conversation(title=title))["uuid"])
    picture = (await stored(archive, "图.png", _picture(200, 200)))["id"]
    await archive.say(chat, "看图", files=[picture], config={"offline": {"text": _TEXT, "rate": 0}})
    for n in range(4):
        await archive.say(chat, f"第 {n} 问", config={"offline": {"text": "字。" * 400, "rate": 0}})
    return chat


# What is opened, what of it comes late, and what tells that it is here.
_OPENED = {
    "": ("/chat/", ".chat-link"),
    "/c/{chat}": ("/messages\\?|/chat/files/|assets/(Formula|KaTeX|highlight)", ".katex"),
    "/settings": ("assets/(Settings|Appearance|Segments)", ".setting select"),
}


@pytest.mark.parametrize("slow", [True, False], ids=["slow", "quick"])
async def test_opening_shifts_nothing(visit: Visit, archive: Client, slow: bool) -> None:
    await archive.post("/chat/groups", {"name": "研究"})
    for n in range(20):
        await archive.conversation(title=f"对话 {n}")
    chat = await _conversation(archive, "看图")
    async with visit() as visitor:
        page = visitor.page
        await page.add_init_script(_MOVED)
        for place, (late, here) in _OPENED.items():
            async with held(page, late if slow else "^nothing"):
                if place:
                    # No person pressed it: what moves then counts, too.
                    await page.locator(f"a[href='{place.format(chat=chat)}']").evaluate("(e) => e.click()")
                else:
                    await page.goto(archive.origin)
                if slow and place == "/c/{chat}":
                    waits = page.locator(".skeleton")
                    delay = await waits.evaluate("(e) => e.getAnimations()[0].effect.getTiming().delay")
                    assert delay >= 150
                    await expect(waits).to_have_css("opacity", "1")
                    await visitor.shoot("skeleton")
            await page.locator(here).first.wait_for()
            await page.wait_for_function("() => document.fonts.status === 'loaded'")
            await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
            moved, movers = await page.evaluate("[window.moved, window.movers]")
            assert moved < 0.02, (place, movers)


# What a page of statistics asks for, one of it late.
_PARTS = {"all": "timeRange=month", "usage": "/models/stats", "week": "by=hour", "year": "by=day"}


@pytest.mark.parametrize("late", _PARTS)
async def test_statistics_come_in_any_order(visit: Visit, archive: Client, late: str) -> None:
    await archive.say((await archive.conversation())["uuid"])
    async with visit(viewport={"width": 1280, "height": 1600}) as visitor:
        page = visitor.page
        await page.add_init_script(_MOVED)
        async with held(page, _PARTS[late]):
            await page.goto(f"{archive.origin}/statistics")
            await expect(page.locator(".page-skeleton").first).to_have_css("visibility", "visible")
        await page.locator(".last-year rect").first.wait_for()
        await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        moved, movers = await page.evaluate("[window.moved, window.movers]")
        assert moved == 0, movers


async def test_what_loads_above_moves_nothing(visit: Visit, archive: Client) -> None:
    chat = await _conversation(archive, "看图")
    async with visit() as visitor:
        page = visitor.page
        async with held(page, "assets/(Formula|highlight|KaTeX)|/chat/files/"):
            async with page.expect_request("**/chat/files/**"):
                await page.goto(f"{archive.origin}/c/{chat}")
                await page.locator('.chat[data-state="ready"]').wait_for()
                await page.locator(".scroller").hover()
                await page.mouse.wheel(0, -100)
                await page.wait_for_function(_LET_GO)
                read = page.get_by_text("第 0 问")
                await read.evaluate("(e) => e.scrollIntoView()")
            await read.evaluate(_WATCH)
            high = "document.querySelector('.messages').scrollHeight"
            before = await page.evaluate(high)
        await page.locator(".math-block .katex").wait_for(state="attached")
        await page.locator(".hljs-string").first.wait_for(state="attached")
        await page.wait_for_function("() => document.querySelector('.file img').naturalHeight === 200")
        await page.wait_for_function(f"() => document.fonts.status === 'loaded' && {high} > {before} + 150")
        assert await page.evaluate("window.jumped") <= 2
