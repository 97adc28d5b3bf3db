"""A reply that was stopped goes on where it ended, as another version of it."""

from playwright.async_api import Page, expect

from tests.fixtures.client import Client
from tests.web.browser import ask, held
from tests.web.conftest import Visit

_TEXT = "第一句话说到这里。" * 30


async def _script(archive: Client, chat: str, **more: int) -> None:
    """What the conversation is answered from now on, at once."""
    config = {"offline": {"text": _TEXT, "rate": 0, **more}}
    await archive.put(f"/chat/conversations/{chat}", {"config": config})


async def _stopped(archive: Client, page: Page) -> tuple[str, str]:
    """A conversation whose reply has just been stopped, open; and what had been said."""
    chat = str((await archive.conversation(config={"offline": {"text": _TEXT, "rate": 40}}))["uuid"])
    await page.goto(f"{archive.origin}/c/{chat}")
    await ask(page, "说吧")
    await expect(page.locator("article.assistant.streaming")).to_contain_text("说到这里。")
    await page.get_by_role("button", name="停止").click()
    await page.locator("article.assistant.cancelled").wait_for()
    said = (await archive.messages(chat))[-1]["content"]
    assert 0 < len(said) < len(_TEXT)
    return chat, said


async def test_a_stopped_reply_goes_on(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        go_on = page.get_by_role("button", name="继续")
        streaming = page.locator("article.assistant.streaming .prose")
        complete = page.locator("article.assistant.complete .prose")
        chat, said = await _stopped(archive, page)
        await visitor.shoot("stopped")
        await _script(archive, chat, hang_after=9)
        async with held(page, "/messages/regenerate"):
            await go_on.click()
            # Nothing has been answered, and what it begins with is there.
            await expect(streaming).to_have_text(said)
        await expect(streaming).to_have_text(_TEXT[: len(said) + 9])
        await page.get_by_role("button", name="停止").click()
        await _script(archive, chat)
        await go_on.click()
        await expect(complete).to_have_text(_TEXT)
        await expect(page.get_by_text("3/3")).to_be_visible()
        await page.reload()
        await expect(complete).to_have_text(_TEXT)
        await expect(go_on).to_have_count(0)
