"""What a model thought: how long it took, and that it moves nothing under the eyes of a reader."""

import asyncio
import re

from playwright.async_api import Locator, expect

from tests.fixtures.client import Client
from tests.fixtures.upstream import DONE, FINISH, delta, head
from tests.web.browser import ask_anew, ask_small
from tests.web.conftest import Visit


async def _place(element: Locator) -> float:
    return float(await element.evaluate("(e) => e.getBoundingClientRect().top"))


async def test_how_long_it_thought_is_told_and_kept(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await ask_anew(archive, page, "想一想", reasoning="先想一下。" * 4, text="然后说。" * 30, rate=50)
        thoughts = page.locator(".reasoning > button")
        await expect(thoughts).to_have_text("正在思考…")
        await expect(thoughts).to_have_attribute("aria-expanded", "true")
        # Known as soon as it speaks, and the same when it has ended.
        await expect(thoughts).to_have_text(re.compile(r"^思考了 \d(\.\d)? 秒$"))
        await expect(thoughts).to_have_attribute("aria-expanded", "false")
        await page.locator('.chat[data-state="ready"]').wait_for()
        await page.reload()
        await expect(thoughts).to_have_text(re.compile(r"^思考了 \d(\.\d)? 秒$"))


async def test_opening_thoughts_moves_nothing_above_them(visit: Visit, archive: Client) -> None:
    long = "\n\n".join(f"第 {n} 个念头。" for n in range(80))
    async with visit() as visitor:
        page = visitor.page
        await ask_anew(archive, page, "想一想", reasoning=long, text="好。", rate=0)
        await page.locator('.chat[data-state="ready"]').wait_for()
        thoughts = page.locator(".reasoning > button")
        before = await _place(thoughts)
        await thoughts.press("Enter")
        await expect(page.locator(".thoughts")).to_contain_text("第 79 个念头")
        assert abs(await _place(thoughts) - before) <= 2


async def test_thoughts_that_are_being_read_stay_open(visit: Visit, archive: Client) -> None:
    long = "\n\n".join(f"第 {n} 个念头。" for n in range(60))
    scrolled, placed = asyncio.Event(), asyncio.Event()
    thinks = [head() + delta(reasoning_content=long), scrolled, delta("好。")]
    speaks = [placed, delta("好。" * 400), FINISH, DONE]
    async with visit() as visitor, ask_small(archive, visitor.page, [*thinks, *speaks]):
        page = visitor.page
        await expect(page.locator(".thoughts")).to_contain_text("第 59 个念头")
        await page.locator(".scroller").hover()
        await page.mouse.wheel(0, -1000)
        await expect(page.get_by_role("button", name="回到最新")).to_be_visible()
        scrolled.set()
        read = page.get_by_text("第 40 个念头。")
        await page.locator("article.assistant > .prose").wait_for()
        before = await _place(read)
        placed.set()
        await page.locator('.chat[data-state="ready"]').wait_for()
        assert abs(await _place(read) - before) <= 2
