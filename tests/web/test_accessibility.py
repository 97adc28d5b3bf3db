"""axe-core finds nothing, in both themes and both languages."""

import io
import json
import zipfile

import pytest
from playwright.async_api import Page, expect

from duihua.core.ids import new_uuid
from tests.fixtures.client import Client
from tests.web.browser import Visitor, ask, clean, open_sharing
from tests.web.conftest import Visit

# Pages beside the chat, and what tells that they are there.
PAGES = {
    "prompts": "/prompts",
    "prompt": "/prompts/1",
    "new-prompt": "/prompts/new",
    "statistics": "/statistics",
    "archived": "/archived",
    "shared": "/shared",
    "trash": "/trash",
    "settings": "/settings",
    "settings-models": "/settings/models",
    "connections": "/settings/connections",
    "settings-data": "/settings/data",
}
# What opens above a conversation, and the keys that open it, or its button; the last one stays in the draft.
_OPENING = {
    "chat-settings": "",
    "palette": "Control+k",
    "models": "Control+Shift+M",
    "sheet": "Control+/",
    "find": "Control+f",
    # Last: what is typed is a draft.
    "prompts": "/",
}
REPLY = """# 标题

正文 **重点。** `code` [链接](/)

- [x] 完成

| 列 | 数 |
|---|---|
| a | 1 |

```python
print('你好')
```

> 引用 $E=mc^2$

```mermaid
graph TD
  A[烧水] --> B[泡茶]
```"""


@pytest.mark.parametrize(("theme", "language"), [("light", "zh-CN"), ("dark", "en-US")])
async def test_no_violations(visit: Visit, archive: Client, theme: str, language: str) -> None:
    group = (await archive.post("/chat/groups", {"name": "研究 Research", "color": "#B8503B"})).data
    long = "很长的标题 with a very long English part that does not fit into any sidebar at all, 真的放不下"
    await archive.conversation(title=long, group_id=group["id"])
    chat = await archive.conversation(title=long)
    script = {"offline": {"text": REPLY, "reasoning": "想一想。", "rate": 0}}
    await archive.say(chat["uuid"], "请给我看看 Markdown 的样子", config=script)
    async with visit(color_scheme=theme, locale=language) as visitor:
        page = visitor.page
        for name, path in {"empty": "/", "full": f"/c/{chat['uuid']}", "missing": "/nowhere"}.items():
            await page.goto(archive.origin + path)
            await page.locator(
                ".message.assistant .diagram img" if name == "full" else "h1:not(.top-bar h1)"
            ).first.wait_for()
            await clean(visitor, f"{name}-{theme}")


async def _see_what_comes_later(visitor: Visitor, archive: Client, theme: str) -> None:
    """The details of a failure, the boxes of the sidebar, and what waits to be sent."""
    page = visitor.page
    await page.reload()
    await page.get_by_role("button", name="详情").click()
    await page.locator(".failure-details").wait_for()
    await page.locator(".chat-row").hover()
    await expect(page.get_by_role("checkbox", name="选择“浮层")).to_have_css("opacity", "1")
    await clean(visitor, f"details-{theme}")
    await page.get_by_role("checkbox", name="选择“浮层").click()
    await page.get_by_role("toolbar").wait_for()
    await clean(visitor, f"chosen-{theme}")
    hangs = {"offline": {"text": "说了一半。", "hang_after": 4, "rate": 0}}
    chat = await archive.conversation(title="排队", config=hangs)
    await page.goto(f"{archive.origin}/c/{chat['uuid']}")
    await ask(page, "问")
    await expect(page.locator(".prose")).to_contain_text("说了一半")
    for words in ("再问", "很长的一句话，" * 40):
        await ask(page, words)
    waiting = page.get_by_role("list", name="等待发送")
    await expect(waiting.get_by_role("listitem")).to_have_count(2)
    await clean(visitor, f"queue-{theme}")
    await page.get_by_role("button", name="停止生成").click()
    await expect(waiting.get_by_role("button", name="现在发送")).to_have_count(2)
    # However long it is, what can be done with it is in sight.
    await expect(waiting.get_by_role("button", name="放弃").last).to_be_in_viewport(ratio=1)
    await clean(visitor, f"queue-held-{theme}")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_violations_in_what_opens_above_a_page(visit: Visit, archive: Client, theme: str) -> None:
    # Nobody lists its model: the list of models has a row that cannot be chosen.
    chat = await archive.conversation(title="浮层 overlay", model_id="vanished")
    failing = {"offline": {"text": "说到一半", "error": "provider_unauthorized", "fail_after": 3, "rate": 0}}
    await archive.say(chat["uuid"], "找得到的词")
    await archive.post("/chat/messages", {"chat_id": chat["uuid"], "content": "再说", "config": failing})
    async with visit(color_scheme=theme) as visitor:
        page = visitor.page
        field = page.get_by_role("textbox", name="消息")
        for name, keys in _OPENING.items():
            await page.goto(f"{archive.origin}/c/{chat['uuid']}")
            await page.locator(".failure").wait_for()
            await (field.press(keys) if keys else page.get_by_role("button", name="这个对话的设置").click())
            await page.locator("dialog[open], .prompt-menu, .find-bar").wait_for()
            if name == "palette":
                await page.get_by_role("combobox", name="搜索").fill("找得到")
                await page.locator("#found mark").first.wait_for()
                await page.get_by_role("combobox", name="时间").select_option("dates")
                await page.get_by_label("从哪天").fill("2001-01-01")
            if name == "find":
                await page.keyboard.type("找得到")
                await expect(page.locator(".find-bar .count")).to_have_text("1/1")
            await clean(visitor, f"{name}-{theme}")
        await _see_what_comes_later(visitor, archive, theme)


async def fill(archive: Client) -> None:
    """Something on every page."""
    await archive.post("/chat/api-keys", {"provider": "ollama", "status": "inactive"})
    prompt = {"title": "翻译 Translate", "content": "译成{{语言}}", "tags": ["写作"], "category": "role"}
    await archive.post("/chat/prompts", prompt)
    await archive.say((await archive.conversation())["uuid"])
    chats = [(await archive.conversation(title=f"对话 {n}"))["uuid"] for n in range(2)]
    await archive.put(f"/chat/conversations/{chats[0]}", {"status": "archived"})
    await archive.post(f"/chat/conversations/{chats[0]}/share", {})
    await archive.delete(f"/chat/conversations/{chats[1]}")


async def _see_an_import(visitor: Visitor, archive: Client, theme: str) -> None:
    """What a file holds, before it is imported, and what became of it: one of each kind."""
    there = (await archive.get("/chat/conversations/list")).data["list"][0]["uuid"]
    exported = (await archive.post("/chat/export", {"chat_id": there, "format": "json"})).body["data"]
    new, told = exported.decode(), json.loads(exported)
    for each in (told["conversation"], *told["messages"]):
        new = new.replace(each["uuid"], new_uuid())
    gathered = io.BytesIO()
    with zipfile.ZipFile(gathered, "w") as packed:
        for name, content in {"有.json": exported, "新.json": new, "坏.json": "{"}.items():
            packed.writestr(name, content)
    file = {"name": "三个.zip", "mimeType": "application/zip", "buffer": gathered.getvalue()}
    await visitor.page.goto(f"{archive.origin}/settings/data")
    await visitor.page.locator("input[type=file]").set_input_files([file])
    entry = visitor.page.locator(".import")
    await expect(entry.locator(".import-counts span")).to_have_count(3)
    await entry.locator(".segments label").nth(1).click()
    await clean(visitor, f"import-preview-{theme}")
    await entry.locator(".primary").click()
    await entry.locator("summary").wait_for()
    await clean(visitor, f"import-report-{theme}")


@pytest.mark.parametrize(("theme", "language"), [("light", "en-US"), ("dark", "zh-CN")])
async def test_no_violations_on_the_other_pages(
    visit: Visit, archive: Client, theme: str, language: str
) -> None:
    await fill(archive)
    async with visit(color_scheme=theme, locale=language) as visitor:
        page = visitor.page
        for name, path in PAGES.items():
            await page.goto(archive.origin + path)
            await page.locator(".page h2").first.wait_for()
            await expect(page.locator(".failed")).to_have_count(0)
            if name == "statistics":
                await page.locator(".segments label", has=page.locator("[value=dates]")).click()
                await expect(page.locator(".page [type=date]")).to_have_count(2)
            await clean(visitor, f"{name}-{theme}")
        await _see_an_import(visitor, archive, theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_violations_where_a_conversation_is_shared(
    visit: Visit, archive: Client, theme: str
) -> None:
    chat = await archive.conversation(title="给大家看")
    script = {"offline": {"text": REPLY, "reasoning": "想一想。", "rate": 0}}
    await archive.say(chat["uuid"], "请给我看看", config=script)
    share = (await archive.post(f"/chat/conversations/{chat['uuid']}/share", {})).data
    async with visit(color_scheme=theme) as visitor:
        page = visitor.page
        await open_sharing(page, archive.origin, "给大家看")
        await page.get_by_role("button", name="复制链接").wait_for()
        async with archive.session.get(archive.origin + share["path"]) as response:
            shared = await response.text()
        for name, content in {"share": None, "shared": shared}.items():
            if content:
                # Where it is served nothing runs, axe neither.
                await page.goto("about:blank")
                await page.set_content(content)
            await clean(visitor, f"{name}-page-{theme}")


# Two frames: a chart is drawn as wide as it was measured in the one before.
_SETTLED = """() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));
})"""
# What scrolls up and down, and is wider than it shows.
_WIDER = """() => [...document.querySelectorAll("html, main, .page, .scroller, .welcome")]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.className || each.nodeName)"""


async def test_a_small_or_enlarged_screen_scrolls_in_one_direction(visit: Visit, archive: Client) -> None:
    """320 pixels and 640: what 1280 are at 400 and at 200 %."""
    chat = await archive.conversation(title="很长的标题 " * 12)
    await archive.say(chat["uuid"], "w" * 300, config={"offline": {"text": REPLY, "rate": 0}})
    async with visit(viewport={"width": 320, "height": 512}, reduced_motion="reduce") as visitor:
        page = visitor.page
        for name, path in {"new": "/", "chat": f"/c/{chat['uuid']}", **PAGES}.items():
            await page.goto(archive.origin + path)
            await page.locator(".top-bar").wait_for()
            await page.locator("[aria-busy=true], .skeleton").first.wait_for(state="detached")
            for width, height in ((320, 512), (640, 400)):
                await page.set_viewport_size({"width": width, "height": height})
                await page.evaluate(_SETTLED)
                assert await page.evaluate(_WIDER) == [], (name, width)
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator(".prose").first.wait_for()
        await visitor.shoot("narrow")


# What tells a chosen one from the others, in the reader's own colours.
_LOOK = """(element) => {
  const { outlineStyle, backgroundColor, borderStyle } = getComputedStyle(element);
  // Of a background only its opacity is left, and behind it is the same colour.
  const [red, green, blue, opacity] = backgroundColor.match(/[\\d.]+/g);
  const paper = getComputedStyle(document.body).backgroundColor;
  return [outlineStyle, borderStyle, opacity === '0' ? paper : `rgb(${red}, ${green}, ${blue})`].join();
}"""
_LASTING = """() => document.getAnimations()
  .filter((each) => each.effect.getComputedTiming().activeDuration > 1).length"""


async def _differ(page: Page, chosen: str, other: str) -> None:
    looks = [await page.locator(each).first.evaluate(_LOOK) for each in (chosen, other)]
    assert looks[0] != looks[1], (chosen, looks)


async def test_ones_own_colours_tell_what_is_chosen_and_nothing_moves(visit: Visit, archive: Client) -> None:
    await archive.conversation(title="另一个")
    hangs = {"offline": {"text": "说了一半。", "hang_after": 4, "rate": 0}}
    chat = await archive.conversation(title="自己的颜色", config=hangs)
    async with visit(forced_colors="active", reduced_motion="reduce") as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await ask(page, "问")
        await expect(page.locator(".prose")).to_contain_text("说了一半")
        assert await page.evaluate(_LASTING) == 0
        await _differ(page, ".chat-row.open", ".chat-row:not(.open)")
        await _differ(page, ".bubble", ".message.user")
        await visitor.shoot("forced-chat")
        await page.keyboard.press("Control+k")
        await page.locator("#found-1").wait_for()
        await _differ(page, ".palette [aria-selected=true]", ".palette [aria-selected=false]")
        for path in ("/settings", "/settings/data"):
            await page.goto(archive.origin + path)
            await page.locator(".segments :checked").first.wait_for(state="attached")
            await _differ(page, ".segments :checked + span", ".segments :not(:checked) + span")
            await _differ(page, ".settings a[aria-current]", ".settings a:not([aria-current])")
            await visitor.shoot(f"forced{path.replace('/', '-')}")
        switch = page.get_by_role("switch").first
        before = await switch.evaluate("(e) => getComputedStyle(e).backgroundColor")
        await switch.click()
        await expect(switch).not_to_have_css("background-color", before)


async def test_keys_lead_past_the_list_and_a_finished_reply_is_told(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="键", config={"offline": {"text": "好的。" * 9, "rate": 60}})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        field = page.get_by_role("textbox", name="消息")
        await field.fill("问")
        await page.keyboard.press("Enter")
        said = page.locator(".chat > [role=status]")
        await expect(said).to_have_text("正在生成…")
        await expect(said).to_have_text("回复完成")
        await expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")
        await expect(page.locator("article.assistant h2").first).to_have_text("offline")
        await page.locator(".brand").focus()
        await page.keyboard.press("Shift+Tab")
        await expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#main")).to_be_focused()
