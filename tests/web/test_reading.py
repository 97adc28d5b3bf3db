"""What a reader takes from a reply: its tables, and the conversation from a message on."""

from playwright.async_api import Page, expect

from tests.fixtures.client import Client
from tests.web.browser import ask_anew
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


_SELECT = """() => {
  const text = document.querySelector("article.assistant .prose p").firstChild;
  getSelection().setBaseAndExtent(text, 1, text, 9);
}"""


async def test_what_is_selected_stays_while_more_comes(visit: Visit, archive: Client) -> None:
    text = "第一段有好些字可以选。\n\n" + "\n\n".join(f"第 {n} 段 **粗**。" for n in range(2, 60))
    async with visit() as visitor:
        page = visitor.page
        await ask_anew(archive, page, "问", text=text, rate=150)
        await expect(page.locator("article.assistant .prose")).to_contain_text("第 2 段")
        await page.evaluate(_SELECT)
        await page.locator('.chat[data-state="ready"]').wait_for()
        await expect(page.locator("article.assistant .prose")).to_contain_text("第 59 段")
        assert await page.evaluate("String(getSelection())") == "一段有好些字可以"


async def test_a_very_long_message_is_folded_and_links_tell_nobody(visit: Visit, archive: Client) -> None:
    text = "[外面](https://example.com/a) ![远处的图](https://example.com/b.png)\n\n" + "字。" * 60_000
    chat = await archive.conversation(title="很长")
    await archive.say(chat["uuid"], config={"offline": {"text": text, "rate": 0}})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        for name in ("外面", "远处的图"):
            link = page.get_by_role("link", name=name)
            await expect(link).to_have_attribute("target", "_blank")
            await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        await expect(page.locator("article.assistant img")).to_have_count(0)
        assert len(await page.locator("article.assistant .prose").inner_text()) < 25_000
        await page.get_by_role("button", name="显示全部").click()
        await page.wait_for_function(
            "() => document.querySelector('article.assistant .prose').textContent.length > 100_000"
        )


async def test_copying_works_without_the_clipboard_of_secure_pages(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="明文网络")
    await archive.say(chat["uuid"])
    async with visit(permissions=["clipboard-read", "clipboard-write"]) as visitor:
        page = visitor.page
        await page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator("article.assistant").hover()
        await page.locator("article.assistant").get_by_role("button", name="复制").click()
        await expect(page.locator("article.assistant").get_by_role("button", name="已复制")).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") == "好的。"
