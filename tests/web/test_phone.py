"""On a small screen that is touched."""

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.browser import Visitor
from tests.web.conftest import Visit
from tests.web.test_accessibility import PAGES, REPLY, fill

_PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
_STROKE = """([start, end]) => {
  const at = (x) => [new Touch({ identifier: 1, target: document.body, clientX: x, clientY: 300 })];
  for (const [type, x] of [["touchstart", start], ["touchmove", end], ["touchend", end]]) {
    const touches = type === "touchend" ? [] : at(x);
    document.body.dispatchEvent(new TouchEvent(type, { touches, changedTouches: at(x), bubbles: true }));
  }
}"""
# What a finger of 44 pixels misses: 21 pixels from its middle, something else is hit; and where a phone
# enlarges the page, because letters are below 16 pixels. Not of links in a text, which flow with it, nor of
# what is not for now.
_MISSED = """(within) => {
  const TYPED = 'input:not([type=radio], [type=checkbox], [type=range], [type=file]), select, textarea';
  const box = document.querySelector(within);
  return [...box.querySelectorAll('a[href], button, input, select, textarea, summary')].flatMap((each) => {
    const target = each.closest('label') ?? each;
    if (each.disabled || each.closest('p a, .prose li') || !target.getClientRects().length) return [];
    target.scrollIntoView({ block: 'center', inline: 'center' });
    const { left, top, width, height } = target.getBoundingClientRect();
    const hits = [[0, 0], [-21, 0], [21, 0], [0, -21], [0, 21]]
      .map(([x, y]) => document.elementFromPoint(left + width / 2 + x, top + height / 2 + y));
    const isSmall = each.matches(TYPED) && parseFloat(getComputedStyle(each).fontSize) < 16;
    const isMissed = hits.some((hit) => hit && !target.contains(hit));
    return isSmall || isMissed ? [each.outerHTML.slice(0, 200)] : [];
  });
}"""
# A browser that lays its keyboard over the page: less of that is seen, and it is as high as before.
_KEYBOARD = """(height) => {
  Object.defineProperty(visualViewport, 'height', { value: height, configurable: true });
  visualViewport.dispatchEvent(new Event('resize'));
}"""


async def _check(visitor: Visitor, name: str, within: str = "main") -> None:
    await visitor.page.locator(within).wait_for()
    await visitor.shoot(f"phone-{name}")
    assert await visitor.page.evaluate(_MISSED, within) == [], name


async def _check_what_opens(visitor: Visitor) -> None:
    page = visitor.page
    await page.get_by_role("button", name="这个对话的设置").tap()
    await _check(visitor, "chat-settings", "dialog[open]")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="展开侧栏").tap()
    await _check(visitor, "drawer", ".sidebar")
    await page.get_by_role("button", name="选择多个对话").tap()
    await page.get_by_role("checkbox", name="选择“手指”").tap()
    await _check(visitor, "chosen", ".sidebar")
    await page.get_by_role("button", name="新建分组").tap()
    await _check(visitor, "group", "dialog[open]")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="搜索").first.tap()
    await page.get_by_role("combobox", name="时间").select_option("dates")
    await _check(visitor, "palette", "dialog[open]")


async def test_fingers_hit_what_they_mean(visit: Visit, archive: Client) -> None:
    await fill(archive)
    await archive.post("/chat/groups", {"name": "研究", "color": "#B8503B"})
    chat = await archive.conversation(title="手指")
    await archive.say(chat["uuid"], "看", config={"offline": {"text": REPLY, "reasoning": "想。", "rate": 0}})
    failing = {"offline": {"text": "说到一半", "error": "provider_unauthorized", "fail_after": 3, "rate": 0}}
    await archive.post("/chat/messages", {"chat_id": chat["uuid"], "content": "再说", "config": failing})
    async with visit(**_PHONE) as visitor:
        page = visitor.page
        for name, path in {"new": "/", **PAGES, "chat": f"/c/{chat['uuid']}"}.items():
            await page.goto(archive.origin + path)
            await page.locator(".failure" if name == "chat" else ".top-bar").wait_for()
            await page.locator("[aria-busy=true], .skeleton").first.wait_for(state="detached")
            await _check(visitor, name)
        await _check_what_opens(visitor)


async def test_on_a_phone_the_list_is_a_drawer(visit: Visit, archive: Client) -> None:
    """Escape (a phone's back) closes it, and so does what is chosen in it."""
    await archive.conversation(title="对话 1")
    async with visit(**_PHONE) as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        drawer = page.get_by_role("navigation", name="对话列表")
        await page.get_by_role("button", name="展开侧栏").tap()
        await expect(drawer).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(drawer).to_have_count(0)
        assert page.url == f"{archive.origin}/"
        await page.get_by_role("button", name="展开侧栏").tap()
        await drawer.get_by_role("link", name="对话 1").tap()
        await expect(drawer).to_have_count(0)
        await page.wait_for_url("**/c/*")


async def test_strokes_open_and_close_the_drawer(visit: Visit, archive: Client) -> None:
    async with visit(**_PHONE) as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await page.get_by_role("textbox", name="消息").wait_for()
        drawer = page.get_by_role("navigation", name="对话列表")

        async def stroke(start: int, end: int) -> None:
            await page.evaluate(_STROKE, [start, end])

        await stroke(5, 160)
        await expect(drawer).to_be_visible()
        await stroke(250, 100)
        await expect(drawer).to_have_count(0)
        # Not from the edge: that is somebody who reads.
        await stroke(100, 250)
        await stroke(5, 20)
        await expect(drawer).to_have_count(0)


async def test_back_closes_the_drawer_and_a_keyboard_covers_nothing(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="对话 1")
    async with visit(**_PHONE) as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        drawer = page.get_by_role("navigation", name="对话列表")
        await page.get_by_role("button", name="展开侧栏").tap()
        await drawer.get_by_role("link", name="对话 1").tap()
        await page.get_by_role("button", name="这个对话的设置").wait_for()
        await page.get_by_role("button", name="展开侧栏").tap()
        await expect(drawer).to_be_visible()
        await page.evaluate("history.back()")
        await expect(drawer).to_have_count(0)
        await expect(page).to_have_url(f"{archive.origin}/c/{chat['uuid']}")
        composer = page.locator(".composer")
        await page.evaluate(_KEYBOARD, 350)
        await page.wait_for_function(
            "() => document.querySelector('.composer').getBoundingClientRect().bottom <= 350"
        )
        await page.evaluate(_KEYBOARD, 640)
        await page.wait_for_function(
            "() => document.querySelector('.composer').getBoundingClientRect().bottom > 600"
        )
        # Where the keyboard makes the page smaller, nothing else is to be done.
        await page.set_viewport_size({"width": 360, "height": 350})
        await expect(composer).to_be_in_viewport(ratio=1)
        await page.evaluate("history.back()")
        await expect(page).to_have_url(f"{archive.origin}/")
