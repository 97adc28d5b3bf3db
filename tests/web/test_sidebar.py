"""The sidebar is as wide as one likes."""

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import expect

from duihua.core.ids import new_uuid
from tests.fixtures.client import Client
from tests.transfer.test_import import archive as exported
from tests.transfer.test_import import encoded, form_of
from tests.web.conftest import Visit

_LONG = "一个很长的标题，" * 12


async def test_the_sidebar_is_as_wide_as_one_likes_and_stays_so(visit: Visit, archive: Client) -> None:
    await archive.conversation(title=_LONG)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        sidebar = page.get_by_role("navigation", name="对话列表")
        await expect(sidebar.get_by_role("link", name=_LONG)).to_have_attribute("title", _LONG)
        for to, width in ((900, 420), (10, 240), (333, 333)):
            edge = await sidebar.locator(".handle").bounding_box()
            assert edge
            await page.mouse.move(edge["x"] + 3, 400)
            await page.mouse.down()
            await page.mouse.move(to, 400)
            await page.mouse.up()
            await expect(sidebar).to_have_css("width", f"{width}px")
        await page.reload()
        await expect(sidebar).to_have_css("width", "333px")
        await page.get_by_role("button", name="收起侧栏").click()
        await expect(sidebar).to_have_count(0)
        await page.reload()
        await page.get_by_role("textbox", name="消息").wait_for()
        await expect(sidebar).to_have_count(0)
        await page.get_by_role("button", name="展开侧栏").click()
        await expect(sidebar).to_have_css("width", "333px")


async def _ages(archive: Client) -> str:
    """One that is pinned, a group, and one of each age; the oldest."""
    await archive.put(
        f"/chat/conversations/{(await archive.conversation(title='钉'))['uuid']}", {"pinned": True}
    )
    await archive.post("/chat/groups", {"name": "研究"})
    now = datetime.now(UTC)
    days = {"昨": 1, "周一": 3, "周二": 4, "旧": 400, "更旧": 500}
    moments = {title: (now - timedelta(days=ago)).isoformat() for title, ago in days.items()}
    dated = {title: {"created_at": at, "updated_at": at} for title, at in moments.items()}
    old = [exported({"uuid": new_uuid()}, title=title, **dates) for title, dates in dated.items()]
    report = (await archive.post("/chat/import", data=form_of(encoded(*old)))).data
    assert report["imported"] == len(old), report
    await archive.conversation(title="今")
    return str(old[-1]["conversation"]["uuid"])


async def test_what_is_said_elsewhere_moves_up_but_nothing_under_the_pointer(
    visit: Visit, archive: Client
) -> None:
    oldest = await _ages(archive)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        rows = page.locator(".rows :is(h2, .group-name, .chat-link)")
        year = re.compile(r"^20\d\d年\d+月$")
        recent = ["今天", "今", "昨天", "昨", "最近 7 天", "周一", "周二"]
        await expect(rows).to_have_text(["置顶", "钉", "分组", "研研究", *recent, year, "旧", year, "更旧"])
        aimed = page.get_by_role("navigation").get_by_role("link", name="周一", exact=True)
        await aimed.hover()
        before = await aimed.bounding_box()
        await archive.say(oldest)
        moved = ["今天", "更旧", "今", *recent[2:], year, "旧"]
        await expect(rows).to_have_text(["置顶", "钉", "分组", "研研究", *moved])
        after = await aimed.bounding_box()
        assert before and after and abs(after["y"] - before["y"]) <= 1
        # Once nobody aims at it, the list is where it was.
        await page.get_by_role("textbox", name="消息").hover()
        await expect(page.locator(".rows")).to_have_js_property("scrollTop", 0)
        await visitor.shoot("sidebar-order")
