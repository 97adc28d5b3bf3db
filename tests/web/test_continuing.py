"""A reply that was stopped goes on where it ended, as another version of it."""

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.browser import ask
from tests.web.conftest import Visit

_TEXT = "第一句话说到这里。" * 30


async def test_a_stopped_reply_goes_on(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(config={"offline": {"text": _TEXT, "rate": 40}})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await ask(page, "说吧")
        await expect(page.locator("article.assistant.streaming")).to_contain_text("说到这里。")
        await page.get_by_role("button", name="停止").click()
        stopped = page.locator("article.assistant.cancelled")
        await stopped.wait_for()
        said = (await archive.messages(chat["uuid"]))[-1]["content"]
        assert 0 < len(said) < len(_TEXT)
        await visitor.shoot("stopped")
        fast = {"config": {"offline": {"text": _TEXT, "rate": 0}}}
        await archive.put(f"/chat/conversations/{chat['uuid']}", fast)
        await stopped.get_by_role("button", name="继续").click()
        await expect(page.locator("article.assistant.complete .prose")).to_have_text(_TEXT)
        await expect(page.get_by_text("2/2")).to_be_visible()
        await page.reload()
        await expect(page.locator("article.assistant.complete .prose")).to_have_text(_TEXT)
        await expect(page.get_by_role("button", name="继续")).to_have_count(0)
