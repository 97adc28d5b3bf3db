"""What a reader takes from a reply: its tables, and the conversation from a message on."""

from playwright.async_api import Page, expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit

_TABLE = "| 名称 | 数 |\n|---|--:|\n| **京都** | 1,5 |"


async def _copied(page: Page) -> str:
    return str(await page.evaluate("navigator.clipboard.readText()"))


async def test_a_table_is_copied_as_markdown_and_as_csv(visit: Visit, archive: Client) -> None:
    says = {"offline": {"text": f"看：\n\n{_TABLE}", "rate": 0}}
    chat = await archive.conversation(title="表", config=says)
    await archive.post("/chat/messages", {"chat_id": chat["uuid"], "content": "列表"})
    async with visit(permissions=["clipboard-read", "clipboard-write"]) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.get_by_role("region", name="表格").hover()
        await page.get_by_role("button", name="复制为 Markdown").click()
        await expect(page.locator(".table-tools")).to_contain_text("已复制")
        assert await _copied(page) == _TABLE
        await page.get_by_role("region", name="表格").focus()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator(".table-tools")).to_contain_text("已复制")
        assert await _copied(page) == '名称,数\r\n京都,"1,5"'


async def test_a_conversation_is_forked_from_a_message(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="原来", config={"offline": {"text": "好的。", "rate": 0}})
    await archive.say(chat["uuid"], "一")
    await archive.say(chat["uuid"], "二")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        reply = page.locator("article.assistant").first
        await reply.hover()
        await reply.get_by_role("button", name="更多").click()
        await page.get_by_role("menuitem", name="从这里另开对话").click()
        await expect(page.locator(".top-bar h1")).to_have_text("原来（分支）")
        said = page.locator("article").locator(".bubble, .prose")
        await expect(said).to_have_text(["一", "好的。"])
        await expect(page.locator(".sidebar")).to_contain_text("原来（分支）")
        await page.get_by_role("textbox", name="消息").fill("换个方向")
        await page.keyboard.press("Enter")
        await expect(said).to_have_text(["一", "好的。", "换个方向", "好的。"])
        await page.go_back()
        await expect(said).to_have_text(["一", "好的。", "二", "好的。"])
