"""Finding in one conversation: also what is not on the page."""

from playwright.async_api import Locator, Page, expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit

_SIZE = "(name) => CSS.highlights.get(name)?.size ?? 0"
_NOW = "(words) => [...(CSS.highlights.get('found-now') ?? [])].join() === words"


async def _long(archive: Client) -> str:
    """200 messages; 琥珀 is in three of them: in one twice, in one whose words are set in two ways."""
    says = {"offline": {"text": "没有什么。\n\n" * 4, "rate": 0}}
    chat = await archive.conversation(title="长谈", config=says)
    for n in range(100):
        asked = {3: "先说琥珀，再说琥珀", 50: "这里也有琥珀", 98: "最后的琥珀"}.get(n, f"第 {n} 问")
        await archive.say(chat["uuid"], asked)
    return str(chat["uuid"])


async def _bar(page: Page) -> Locator:
    await page.locator('.chat[data-state="ready"]').wait_for()
    await page.keyboard.press("Control+f")
    bar = page.get_by_role("search")
    await expect(bar.get_by_role("textbox")).to_be_focused()
    return bar


async def test_what_is_not_on_the_page_is_found_and_shown(visit: Visit, archive: Client) -> None:
    chat = await _long(archive)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat}")
        bar = await _bar(page)
        await page.keyboard.type("琥珀")
        count = bar.locator(".count")
        await expect(count).to_have_text("3/3")
        await expect(page.get_by_text("最后的琥珀")).to_be_in_viewport()
        await expect(page.get_by_text("先说琥珀")).to_have_count(0)
        # Past the end, to the beginning; there it stands twice.
        for key, at, says in (
            ("Enter", "1/3", "先说琥珀"),
            ("Enter", "1/3", "先说琥珀"),
            ("Enter", "2/3", "这里也有琥珀"),
            ("Shift+Enter", "1/3", "先说琥珀"),
            ("ArrowDown", "2/3", "这里也有琥珀"),
            ("ArrowUp", "1/3", "先说琥珀"),
        ):
            await page.keyboard.press(key)
            await expect(count).to_have_text(at)
            await expect(page.get_by_text(says)).to_be_in_viewport()
            assert await page.evaluate(_SIZE, "found-now") == 1
        assert await page.evaluate(_SIZE, "found") == 2
        await expect(bar.get_by_role("status")).to_have_text("第 1 条，共 3 条消息")
        await visitor.shoot("find")
        await page.keyboard.press("Escape")
        await expect(bar).to_have_count(0)
        assert await page.evaluate(_SIZE, "found") == 0
        await expect(page.get_by_role("textbox", name="消息")).to_be_focused()


async def test_finding_is_by_touch_too_and_says_where_there_is_nothing(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="短")
    await archive.say(chat["uuid"], "说 **不出** 的话")
    async with visit(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.get_by_role("button", name="在对话中查找").tap()
        bar = page.get_by_role("search")
        await bar.get_by_role("textbox").fill("没有的词")
        await expect(bar.get_by_role("status")).to_have_text("没有找到")
        await expect(bar.get_by_role("button", name="下一处")).to_be_disabled()
        await bar.get_by_role("textbox").fill("**不出")
        await expect(bar.get_by_role("status")).to_have_text("第 1 条，共 1 条消息")
        await visitor.shoot("find-phone")
        await bar.get_by_role("button", name="关闭查找").tap()
        await expect(bar).to_have_count(0)


async def test_a_second_press_is_the_browsers_own(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="短")
    await archive.say(chat["uuid"])
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await _bar(page)
        await page.evaluate("addEventListener('keydown', (e) => (window.taken = e.defaultPrevented))")
        await page.keyboard.press("Control+f")
        assert await page.evaluate("window.taken") is False


async def test_what_is_coloured_or_bold_in_parts_is_one_text_and_buttons_are_none(
    visit: Visit, archive: Client
) -> None:
    text = "```python\ndef f(x):\n    return x\n```\n\n甲 **乙丙** 丁，复制它。"
    chat = await archive.conversation(title="码")
    await archive.say(chat["uuid"], "问", config={"offline": {"text": text, "rate": 0}})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator(".hljs-keyword").first.wait_for()
        bar = await _bar(page)
        # The keyword has an element of its own.
        for words in ("def f(x):", "乙丙", "复制"):
            await bar.get_by_role("textbox").fill(words)
            await expect(bar.locator(".count")).to_have_text("1/1")
            await page.wait_for_function(_NOW, arg=words)
            assert await page.evaluate(_SIZE, "found") == 1


async def test_what_is_found_is_what_is_shown(visit: Visit, archive: Client) -> None:
    text = (
        "他说**重**点在`代码`里，见[这一页](https://example.com/hidden)。\n\n"
        "- 第 ~~一~~ 条\n- ＦＵＬＬ width\n\n"
        "| 左 **格** | 右格 |\n|---|---|\n| 甲 | 乙 |\n\n$E=mc^2$ 结尾"
    )
    chat = await archive.conversation(title="原文")
    await archive.say(chat["uuid"], "**原样**", config={"offline": {"text": text, "rate": 0}})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator(".katex").first.wait_for()
        bar = await _bar(page)
        for words in ("说重点在代码里，见这一页。", "第 一 条", "full", "左 格", "**原样**"):
            await bar.get_by_role("textbox").fill(words)
            await expect(bar.locator(".count")).to_have_text("1/1")
            await page.wait_for_function(
                "(words) => [...(CSS.highlights.get('found-now') ?? [])].join().replace('ＦＵＬＬ', 'full')"
                " === words",
                arg=words,
            )
        await visitor.shoot("find-shown")
        # Signs, addresses and what stands in two cells are not seen.
        for words in ("**重**", "hidden", "格右格", "---"):
            await bar.get_by_role("textbox").fill(words)
            await expect(bar.locator(".count")).to_have_text("没有找到")
        # A formula has no text of its own: its message lights up.
        await bar.get_by_role("textbox").fill("mc^2")
        await expect(bar.locator(".count")).to_have_text("1/1")
        await expect(page.locator("article.assistant.lit")).to_have_count(1)


async def test_what_is_not_on_the_page_is_found_as_it_is_shown(visit: Visit, archive: Client) -> None:
    """Also what is folded away in a very long message, and code that gets its colours when it is there."""
    chat = await archive.conversation(title="长谈")
    said = {0: "先有**琥**珀\n\n```python\nreturn 琥珀\n```", 1: "说" * 120_000 + "**末**尾"}
    for n in range(80):
        script = {"offline": {"text": said.get(n, f"第 {n} 答\n\n" * 4), "rate": 0}}
        await archive.say(chat["uuid"], f"第 {n} 问", config=script)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        bar = await _bar(page)
        await page.keyboard.type("琥珀")
        await expect(bar.locator(".count")).to_have_text("1/1")
        await expect(page.get_by_text("先有琥珀")).to_be_in_viewport()
        await page.locator(".hljs-keyword").first.wait_for()
        await page.wait_for_function("() => CSS.highlights.get('found')?.size === 2")
        await page.keyboard.press("Enter")
        await page.wait_for_function(
            "() => [...CSS.highlights.get('found-now')][0]?.startContainer.parentElement.closest('pre')"
        )
        await bar.get_by_role("textbox").fill("末尾")
        await expect(bar.locator(".count")).to_have_text("1/1")
        await page.wait_for_function(_NOW, arg="末尾")
        await expect(page.get_by_text("末", exact=True)).to_be_in_viewport()
