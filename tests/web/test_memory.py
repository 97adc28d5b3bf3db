"""What was left does not stay: conversations that are no longer shown keep no elements and no listeners."""

from typing import Any

from playwright.async_api import CDPSession, Page, expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit

_CHATS = 20
_ROUNDS = 1
_TEXT = """## 一节

**重点。**后面有 `code` 和 $E = mc^2$，再有一个[链接](https://example.com)。

```python
def f(x: int) -> int:
    return x + 1
```

| 名称 | value |
|---|---|
| 甲 | 1 |
"""


async def _alive(devtools: CDPSession) -> dict[str, Any]:
    """Nodes, documents and listeners that a collection of garbage leaves."""
    for _ in range(3):
        await devtools.send("HeapProfiler.collectGarbage")
    return await devtools.send("Memory.getDOMCounters")


async def _switch(page: Page, chats: list[str]) -> None:
    for n, chat in enumerate(chats):
        await page.locator(f'.chat-link[href="/c/{chat}"]').click()
        await page.locator(".katex").first.wait_for()
        if n % 4:
            continue
        # What a conversation opens has listeners of its own.
        for keys in ("Control+f", "Control+k"):
            await page.keyboard.press(keys)
            await page.keyboard.press("Escape")
        await page.get_by_role("button", name="更多").last.click()
        await page.keyboard.press("Escape")


async def test_switching_keeps_no_elements(visit: Visit, archive: Client) -> None:
    says = {"offline": {"text": _TEXT, "rate": 0}}
    chats = [(await archive.conversation(title=f"{n}"))["uuid"] for n in range(_CHATS)]
    for chat in chats:
        await archive.say(chat, "问", config=says)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await _switch(page, chats)
        devtools = await page.context.new_cdp_session(page)
        first = await _alive(devtools)
        for _ in range(_ROUNDS):
            await _switch(page, chats)
        last = await _alive(devtools)
    assert first["nodes"] > 200
    # Ten elements kept of each would be two hundred.
    assert last["nodes"] <= first["nodes"] + 150, (first, last)
    assert last["jsEventListeners"] <= first["jsEventListeners"] + 20, (first, last)
    assert last["documents"] == first["documents"]


async def test_of_long_replies_only_the_end_is_there_until_one_scrolls(visit: Visit, archive: Client) -> None:
    says = {"offline": {"text": _TEXT * 60, "rate": 0}}
    chat = (await archive.conversation(title="长"))["uuid"]
    other = (await archive.conversation(title="短"))["uuid"]
    for n in range(5):
        await archive.say(chat, f"第 {n} 问", config=says)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat}")
        questions = page.locator("article.user .bubble")
        await expect(questions).to_have_text(["第 4 问"])
        await page.locator(".scroller").hover()
        await page.mouse.wheel(0, -100_000)
        await expect(questions).to_have_text([f"第 {n} 问" for n in range(5)])
        # What was above the first is above it now: one is where one was.
        await expect(questions.last).to_be_in_viewport()
        await page.locator(f'.chat-link[href="/c/{other}"]').click()
        await expect(questions).to_have_count(0)
        await page.locator(f'.chat-link[href="/c/{chat}"]').click()
        await expect(questions).to_have_text(["第 4 问"])
