"""Writing a message: drafts, prompts, long texts, files, and what the keys do."""

import re

from playwright.async_api import Page, expect

from tests.fixtures.client import Client
from tests.web.browser import ask_anew, enter_while_composing
from tests.web.conftest import Visit

_PASTE = """(area, { text, type, name }) => {
  const data = new DataTransfer();
  if (name) data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, { type }));
  else data.setData("text/plain", text);
  area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def _field(page: Page):  # type: ignore[no-untyped-def]  # Playwright's Locator
    return page.get_by_role("textbox", name="消息")


def _kept(page: Page, choice: str):  # type: ignore[no-untyped-def]  # Playwright's waiting for a response
    return page.expect_response(lambda response: choice in (response.request.post_data or ""))


async def test_each_conversation_keeps_its_draft(visit: Visit, archive: Client) -> None:
    one, two = [await archive.conversation(title=title) for title in ("甲", "乙")]
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{one['uuid']}")
        await _field(page).fill("给甲的话")
        await page.get_by_role("link", name="乙").click()
        await page.wait_for_url(f"**/c/{two['uuid']}")
        await expect(_field(page)).to_have_value("")
        await _field(page).fill("给乙的话")
        await page.reload()
        await expect(_field(page)).to_have_value("给乙的话")
        await page.get_by_role("link", name="甲").click()
        await expect(_field(page)).to_have_value("给甲的话")


async def test_a_slash_offers_prompts(visit: Visit, archive: Client) -> None:
    for title, content in (("翻译", "把下面的话译成{{语言}}：\n"), ("润色", "润色：\n")):
        await archive.post("/chat/prompts", {"title": title, "content": content})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await _field(page).fill("/")
        offered = page.get_by_role("option")
        await expect(offered).to_have_count(2)
        await visitor.shoot("prompts")
        await page.keyboard.press("Escape")
        await expect(offered).to_have_count(0)
        await _field(page).fill("/翻")
        await expect(offered).to_have_count(1)
        await page.keyboard.press("Enter")
        await page.keyboard.type("法语")
        await expect(_field(page)).to_have_value("把下面的话译成法语：\n")


async def test_a_long_text_and_a_picture_are_pasted_as_files(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        files = page.get_by_role("list", name="附件").get_by_role("listitem")
        long = "很长的文字。" * 1000
        await _field(page).evaluate(_PASTE, {"text": long})
        await expect(files).to_contain_text("粘贴的文本.txt")
        await page.get_by_role("button", name="改为文本").click()
        await expect(_field(page)).to_have_value(long)
        await expect(files).to_have_count(0)
        await _field(page).fill("看图")
        await _field(page).evaluate(_PASTE, {"text": _PNG, "type": "image/png", "name": "点.png"})
        await expect(files.locator("img")).to_be_visible()
        await expect(page.get_by_role("button", name="发送")).to_be_enabled()
        await page.reload()
        await expect(files).to_contain_text("点.png")
        await page.get_by_role("button", name="发送").click()
        await expect(page.locator("article.user .file img")).to_have_js_property("naturalWidth", 1)


async def test_what_a_long_text_becomes_is_decided(visit: Visit, archive: Client) -> None:
    long = "很长的文字。\n" * 1000
    async with visit() as visitor:
        page = visitor.page
        files = page.get_by_role("list", name="附件").get_by_role("listitem")
        await page.goto(f"{archive.origin}/settings")
        await page.get_by_text("询问", exact=True).click()
        async with _kept(page, "ctrl_enter"):
            await page.get_by_text("Ctrl+Enter", exact=True).click()
        await page.goto(archive.origin)
        await _field(page).fill("看看：")
        await _field(page).evaluate(_PASTE, {"text": long})
        await expect(_field(page)).to_have_value("看看：" + long)
        await page.get_by_role("button", name="改为附件").click()
        await expect(files).to_contain_text("粘贴的文本.txt")
        await expect(_field(page)).to_have_value("看看：")
        await _field(page).press("Enter")
        await expect(_field(page)).to_have_value("看看：\n")
        await page.goto(f"{archive.origin}/settings")
        async with _kept(page, '"long_paste":"text"'):
            await page.get_by_text("作为文本", exact=True).click()
    kept = (await archive.get("/chat/settings")).data["preferences"]
    assert kept == {"long_paste": "text", "send_with": "ctrl_enter"}


async def test_keys_do_what_their_sheet_says(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="键盘")
    await archive.say(chat["uuid"], config={"offline": {"text": "好的。\n\n```\n码\n```", "rate": 0}})
    async with visit(permissions=["clipboard-read", "clipboard-write"]) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator("article.assistant").wait_for()
        await page.keyboard.type("?")
        await expect(_field(page)).to_have_value("?")
        await page.locator("#main").focus()
        await page.keyboard.press("?")
        sheet = page.get_by_role("dialog", name="快捷键")
        await expect(sheet).to_contain_text("新对话")
        await visitor.shoot("shortcuts")
        await page.keyboard.press("Escape")
        await expect(sheet).to_have_count(0)
        await page.keyboard.press("Control+Shift+;")
        assert await page.evaluate("navigator.clipboard.readText()") == "好的。\n\n```\n码\n```"
        await page.keyboard.press("Control+Shift+K")
        await page.wait_for_function("() => navigator.clipboard.readText().then((text) => text === '码')")
        await page.keyboard.press("Shift+Escape")
        await expect(_field(page)).to_be_focused()
        await page.keyboard.press("Control+Shift+s")
        await expect(page.get_by_role("navigation", name="对话列表")).to_have_count(0)
        await page.keyboard.press("Control+Shift+o")
        await page.wait_for_url(f"{archive.origin}/")


_DROP = """(pane, [kind, size]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(size).fill(97)], "笔记 notes.txt", { type: "text/plain" }));
  pane.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


async def test_files_are_dropped_anywhere(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        pane = page.locator("main .pane")
        files = page.get_by_role("list", name="附件").get_by_role("listitem")
        await pane.evaluate(_DROP, ["dragenter", 9])
        await expect(page.get_by_text("松开即可添加文件")).to_be_visible()
        await page.route("**/chat/upload", lambda route: route.abort())
        await pane.evaluate(_DROP, ["drop", 9])
        await expect(page.get_by_text("松开即可添加文件")).to_have_count(0)
        await expect(files.get_by_role("alert")).to_be_visible()
        visitor.complaints.clear()
        await files.get_by_role("button", name="移除").click()
        await page.unroute("**/chat/upload")
        await page.route("**/chat/upload", lambda route: None)
        await pane.evaluate(_DROP, ["drop", 9])
        await expect(files.get_by_role("progressbar")).to_be_visible()
        await files.get_by_role("button", name="移除").click()
        await expect(files).to_have_count(0)
        await page.unroute("**/chat/upload")
        await pane.evaluate(_DROP, ["drop", 2_000_000])
        await _field(page).fill("读一读")
        await page.get_by_role("button", name="发送").click()
        await expect(page.locator("article.user .file")).to_contain_text("笔记 notes.txt")


async def test_a_file_that_misses_its_place_does_not_open_instead_of_the_page(
    visit: Visit, archive: Client
) -> None:
    drop = """() => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "x.txt", { type: "text/plain" }));
      return ["dragover", "drop"].map((type) => {
        const event = new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
        document.querySelector(".sidebar").dispatchEvent(event);
        return event.defaultPrevented;
      });
    }"""
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await page.get_by_role("textbox", name="消息").wait_for()
        assert await page.evaluate(drop) == [True, True]
        await expect(page.locator(".attachments li")).to_have_count(0)


async def test_why_nothing_is_sent_yet_is_said_and_where_the_reply_goes_on_is_seen(
    visit: Visit, archive: Client
) -> None:
    async with visit() as visitor:
        page = visitor.page
        await ask_anew(archive, page, "问", text="一段很长的回答。" * 60, rate=20)
        await page.locator(".prose.open p").first.wait_for()
        caret = "getComputedStyle(document.querySelector('.prose.open > p:last-child'), '::after').width"
        assert float((await page.evaluate(caret)).removesuffix("px")) > 3
        field = page.get_by_role("textbox", name="消息")
        await field.fill("下一问")
        await expect(page.get_by_text("现在发送的会排队")).to_be_visible()
        await visitor.shoot("waiting")
        await page.get_by_role("button", name="停止生成").click()
        await expect(page.get_by_text("现在发送的会排队")).to_have_count(0)
        await expect(field).to_have_value("下一问")
        await expect(page.locator(".prose.open")).to_have_count(0)


async def test_a_field_grows_also_where_the_style_sheet_cannot_do_it(visit: Visit, archive: Client) -> None:
    old = """
      const supports = CSS.supports.bind(CSS);
      CSS.supports = (name, ...rest) => name !== "field-sizing" && supports(name, ...rest);
      addEventListener("DOMContentLoaded", () => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("textarea { field-sizing: fixed !important }");
        document.adoptedStyleSheets = [sheet];
      });
    """
    for script in ("", old):
        async with visit() as visitor:
            page = visitor.page
            await page.add_init_script(script)
            await page.goto(archive.origin)
            field = page.get_by_role("textbox", name="消息")
            height = "(field) => field.clientHeight"
            one = await field.evaluate(height)
            await field.fill("行\n" * 4 + "行")
            five = await field.evaluate(height)
            await field.fill("行\n" * 60)
            many = await field.evaluate(height)
            await field.fill("")
            assert one < five < many < 340, script
            assert await field.evaluate(height) == one


async def test_an_input_method_is_let_finish_wherever_one_types(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="旧名")
    await archive.say(chat["uuid"], "原来的话")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator(".chat-link", has_text="旧名").press("F2")
        await enter_while_composing(page, "ming", "名")
        await expect(page.locator("input.rename")).to_have_value("名")
        await page.keyboard.press("Enter")
        await expect(page.locator(".chat-link")).to_have_text("名")
        await _field(page).focus()
        await page.keyboard.press("Control+k")
        await enter_while_composing(page, "ming", "名")
        await expect(page.locator(".palette input")).to_have_value("名")
        await page.keyboard.press("Escape")
        await _field(page).press("ArrowUp")
        await enter_while_composing(page, "ming", "名")
        await expect(page.locator(".editor textarea")).to_have_value(re.compile("原来的话名"))


async def test_enter_is_a_new_line_where_that_is_wanted(visit: Visit, archive: Client) -> None:
    await archive.put("/chat/settings", {"preferences": {"send_with": "ctrl_enter"}})
    chat = await archive.conversation(title="键", config={"offline": {"text": "好。", "rate": 0}})
    async with visit() as visitor:
        page = visitor.page
        async with page.expect_response("**/chat/settings"):
            await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await _field(page).fill("一")
        await page.keyboard.press("Enter")
        await page.keyboard.type("二")
        await expect(_field(page)).to_have_value("一\n二")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("article.user .bubble")).to_have_text("一\n二")
