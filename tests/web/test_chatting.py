"""The main thing: asking, reading along, stopping, coming back."""

import re

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.browser import ask, enter_while_composing
from tests.web.conftest import Visit

FIRST = "你好，请用 Markdown 回答我 hello"


async def test_a_first_conversation(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await expect(page.get_by_role("heading", name="今天想聊点什么？")).to_be_visible()
        await visitor.shoot("new-chat")
        await ask(page, FIRST)
        await expect(page.get_by_role("log").get_by_text(FIRST, exact=True)).to_be_visible()
        await expect(page).to_have_url(f"{archive.origin}/c/{(await _newest(archive))['uuid']}")
        await page.locator('.chat[data-state="streaming"]').wait_for()
        await page.reload()
        await page.locator('.chat[data-state="ready"]').wait_for()
        reply = (await archive.messages((await _newest(archive))["uuid"]))[1]
        assert reply["state"] == "complete"
        await expect(page.locator("article.assistant")).to_have_count(1)
        await expect(page.locator("article.assistant strong")).to_contain_text("离线模型")
        await expect(page.get_by_role("navigation").locator('[aria-current="page"]')).to_be_visible()
        await visitor.shoot("chat")


async def test_unknown_paths_and_conversations(visit: Visit, archive: Client) -> None:
    async with visit(locale="en-US") as visitor:
        page = visitor.page
        answer = await page.goto(f"{archive.origin}/old/bookmark")
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
        assert (await archive.get("/chat/nowhere")).error == "not_found"
        assert (await archive.get("/old/bookmark")).error == "not_found"


async def _newest(archive: Client) -> dict[str, str]:
    return (await archive.get("/chat/conversations/list")).data["list"][0]


async def test_composing_never_sends(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        field = page.get_by_role("textbox", name="消息")
        await field.focus()
        await enter_while_composing(page, "nihao", "你好")
        assert page.url == f"{archive.origin}/"
        await expect(field).to_have_value(re.compile("你好"))
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/c/*")
        await expect(page.locator("article.user")).to_have_count(1)


async def test_stopping_keeps_what_was_said(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        chat = await archive.conversation(
            config={"offline": {"text": "说了一半。", "hang_after": 4, "rate": 0}}
        )
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await ask(page, "说吧")
        await expect(page.locator("article.assistant .prose")).to_contain_text("说了一半")
        await page.keyboard.press("Escape")
        await expect(page.locator("article.assistant .ended")).to_have_text("已停止")
        await page.get_by_role("button", name="重新生成").click()
        await page.locator('.chat[data-state="streaming"]').wait_for()
        await page.get_by_role("button", name="停止生成").click()
        await expect(page.locator("article.assistant .versions")).to_contain_text("2/2")


async def test_drafts_survive_a_reload(visit: Visit, archive: Client) -> None:
    async with visit(color_scheme="dark", viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await page.get_by_role("textbox", name="消息").fill("还没写完")
        await page.reload()
        await expect(page.get_by_role("textbox", name="消息")).to_have_value("还没写完")
        await visitor.shoot("phone-dark")
