"""The palette: from anywhere, by keyboard, by what was said."""

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit


async def test_a_conversation_is_found_by_what_was_said_in_it(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="旅行 plans")
    await archive.say(chat["uuid"], "我想去敦煌看壁画")
    await archive.conversation(title="别的")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await page.get_by_role("textbox", name="消息").wait_for()
        await page.keyboard.press("Control+k")
        palette = page.get_by_role("dialog", name="搜索对话")
        await expect(palette.get_by_role("option")).to_have_count(2)
        await page.keyboard.type("没有这样的话")
        await expect(palette.get_by_role("status")).to_contain_text("没有找到")
        await palette.get_by_role("combobox").fill("壁画")
        await expect(palette.get_by_role("option")).to_have_count(1)
        await visitor.shoot("palette")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/c/{chat['uuid']}")
        await expect(palette).to_have_count(0)
