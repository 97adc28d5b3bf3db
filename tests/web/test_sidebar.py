"""The sidebar is as wide as one likes."""

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit

_LONG = "一个很长的标题，" * 12


async def test_the_sidebar_is_as_wide_as_one_likes_and_stays_so(visit: Visit, archive: Client) -> None:
    await archive.conversation(title=_LONG)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        sidebar = page.get_by_role("navigation", name="对话列表")
        await expect(sidebar.get_by_role("link", name=_LONG)).to_have_attribute("title", _LONG)
        for to, width in ((900, 420), (10, 240), (333, 333)):
            edge = await sidebar.locator(".handle").bounding_box()
            assert edge
            await page.mouse.move(edge["x"] + 3, 400)
            await page.mouse.down()
            await page.mouse.move(to, 400)
            await page.mouse.up()
            await expect(sidebar).to_have_css("width", f"{width}px")
        await page.reload()
        await expect(sidebar).to_have_css("width", "333px")
        await page.get_by_role("button", name="收起侧栏").click()
        await expect(sidebar).to_have_count(0)
        await page.reload()
        await page.get_by_role("textbox", name="消息").wait_for()
        await expect(sidebar).to_have_count(0)
        await page.get_by_role("button", name="展开侧栏").click()
        await expect(sidebar).to_have_css("width", "333px")
