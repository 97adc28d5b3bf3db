"""Where one was reading: kept by the history, and by the setting that puts a question on top."""

import asyncio

from playwright.async_api import Page, expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit


async def _long(archive: Client, title: str) -> str:
    chat = await archive.conversation(title=title)
    for n in range(60):
        says = {"offline": {"text": f"{title}第 {n} 答。\n\n" + "字。" * 99, "rate": 0}}
        await archive.say(chat["uuid"], f"{title}第 {n} 问", config=says)
    return str(chat["uuid"])


async def _kept(page: Page) -> dict[str, object]:
    """The place that the history has once nothing moves any more."""
    before = None
    for _ in range(100):
        await asyncio.sleep(0.4)
        place = await page.evaluate("history.state.place ?? null")
        if place and place == before:
            return dict(place)
        before = place
    raise AssertionError("no place was kept")


async def _top(page: Page, text: str) -> float:
    return float(await page.get_by_text(text).evaluate("(e) => e.getBoundingClientRect().top"))


async def test_back_forward_and_reload_lead_to_where_one_was(visit: Visit, archive: Client) -> None:
    first = await _long(archive, "甲")
    await _long(archive, "乙")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{first}?m={(await archive.messages(first))[40]['uuid']}")
        await expect(page.get_by_text("甲第 20 问")).to_be_in_viewport()
        await page.locator(".scroller").hover()
        await page.mouse.wheel(0, -500)
        place = await _kept(page)
        where = f'article[data-uuid="{place["uuid"]}"]'
        before = await page.locator(where).evaluate("(e) => e.getBoundingClientRect().top")
        await page.locator(".sidebar").get_by_text("乙", exact=True).click()
        await expect(page.get_by_text("乙第 59 答。")).to_be_in_viewport()
        for turn in (page.go_back, page.reload):
            await turn()
            await expect(page.locator(where)).to_be_in_viewport()
            after = await page.locator(where).evaluate("(e) => e.getBoundingClientRect().top")
            assert abs(after - before) <= 2
        await page.go_forward()
        await expect(page.get_by_text("乙第 59 答。")).to_be_in_viewport()
        # Opened anew it is a new entry, and begins at the end.
        await page.locator(".sidebar").get_by_text("甲", exact=True).click()
        await expect(page.get_by_text("甲第 59 答。")).to_be_in_viewport()


async def test_a_question_goes_to_the_top_where_that_is_wanted(visit: Visit, archive: Client) -> None:
    chat = await _long(archive, "甲")
    words = "\n\n".join(f"第 {n} 段。" for n in range(80))
    await archive.put(f"/chat/conversations/{chat}", {"config": {"offline": {"text": words, "rate": 300}}})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings")
        async with page.expect_response("**/chat/settings"):
            await page.get_by_text("问题置顶", exact=True).click()
        async with page.expect_response("**/chat/settings"):
            await page.goto(f"{archive.origin}/c/{chat}")
        await page.locator('.chat[data-state="ready"]').wait_for()
        await page.get_by_role("textbox", name="消息").fill("说长一点")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("第 10 段。")).to_be_visible()
        top = await _top(page, "说长一点")
        assert 40 < top < 160
        await page.locator('.chat[data-state="ready"]').wait_for()
        await expect(page.get_by_text("第 79 段。")).to_have_count(1)
        assert abs(await _top(page, "说长一点") - top) <= 2
        await visitor.shoot("question-top")
