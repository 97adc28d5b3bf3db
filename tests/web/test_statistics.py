"""Statistics: drawn, and readable without looking."""

import re

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit


async def _said(archive: Client) -> int:
    """Two questions in a group, one outside; the group."""
    group = (await archive.post("/chat/groups", {"name": "研究 Research", "color": "#B8503B"})).data["id"]
    chat = await archive.conversation(title="甲", group_id=group)
    await archive.say(chat["uuid"])
    await archive.say(chat["uuid"])
    await archive.say((await archive.conversation())["uuid"])
    return int(group)


async def test_charts_have_tables(visit: Visit, archive: Client) -> None:
    await _said(archive)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await page.get_by_role("link", name="统计").click()
        figure = page.locator(".overview dd")
        await expect(figure.first).to_have_text("6")
        bars = page.get_by_role("img", name="活动: 消息")
        await expect(bars.locator("rect")).to_have_count(30)
        await bars.locator("rect").last.hover()
        await expect(page.locator(".bars figcaption")).to_have_text(re.compile("：6$"))
        await visitor.shoot("statistics")
        await page.get_by_text("数据表").first.click()
        await expect(page.get_by_role("region", name="活动").get_by_role("row").last).to_contain_text("6")
        ranks = page.get_by_role("region", name="分组").get_by_role("row")
        await expect(ranks).to_have_text(
            [re.compile("分组"), re.compile("研究 Research41"), re.compile("不分组21")]
        )
        year = page.get_by_role("region", name="最近 12 个月")
        await expect(year.locator("rect.level-4")).to_have_count(1)
        week = page.get_by_role("region", name="最近 7 天的时段").first
        await expect(week.locator("rect")).to_have_count(7 * 24)
        await expect(week.locator("rect.level-4")).to_have_count(1)
        await expect(page.get_by_role("region", name="各模型的表现").get_by_role("row").last).to_contain_text(
            "30"
        )
        await visitor.shoot("statistics-week")


async def test_a_group_and_a_time_are_chosen(visit: Visit, archive: Client) -> None:
    group = await _said(archive)
    async with visit() as visitor:
        page = visitor.page
        figure = page.locator(".overview dd")
        bars = page.get_by_role("img", name="活动: 消息")
        await page.goto(f"{archive.origin}/statistics")
        await page.get_by_role("combobox", name="分组").select_option(str(group))
        await expect(figure.first).to_have_text("4")
        await page.get_by_text("今天", exact=True).last.click()
        await expect(bars.locator("rect")).to_have_count(24)
        await page.reload()
        await expect(page.get_by_role("radio", name="今天")).to_be_checked()


async def test_nothing_to_count(visit: Visit, archive: Client) -> None:
    async with visit(locale="en-US", color_scheme="dark", viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/statistics")
        await expect(page.get_by_role("heading", name="No messages in this time")).to_be_visible()
        await page.get_by_role("button", name="Show all time").click()
        await expect(page.get_by_role("heading", name="There is nothing to count yet")).to_be_visible()
        await visitor.shoot("statistics-empty-phone")
        await page.get_by_role("link", name="New chat").click()
        await page.wait_for_url(f"{archive.origin}/")


async def test_days_of_ones_own(visit: Visit, archive: Client) -> None:
    await _said(archive)
    async with visit() as visitor:
        page = visitor.page
        figure = page.locator(".overview dd")
        await page.goto(f"{archive.origin}/statistics")
        await page.get_by_text("自选日期", exact=True).click()
        await expect(figure.first).to_have_text("6")
        await visitor.shoot("statistics-dates")
        last = page.get_by_label("最后一天")
        await page.get_by_label("第一天").fill("2001-01-01")
        await expect(page.get_by_role("img", name="活动: 消息").locator("rect").nth(99)).to_be_attached()
        today = await last.input_value()
        await last.fill("2001-01-31")
        await expect(page.get_by_text("这段时间没有消息")).to_be_visible()
        await last.fill("")
        await last.fill(today)
        await expect(figure.first).to_have_text("6")
        await page.reload()
        await expect(page.get_by_label("第一天")).to_have_value("2001-01-01")
        await expect(figure.first).to_have_text("6")
