"""The palette: from anywhere, by keyboard, by what was said, to where it was said."""

from playwright.async_api import Locator, Page, expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit


async def _palette(page: Page) -> Locator:
    await page.get_by_role("textbox", name="消息").wait_for()
    await page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="搜索")
    await expect(palette.get_by_role("combobox", name="搜索")).to_be_focused()
    return palette


async def _about_murals(archive: Client) -> str:
    """Two conversations about one thing; the one of that title."""
    group = (await archive.post("/chat/groups", {"name": "出行"})).data
    chat = await archive.conversation(title="旅行 plans", group_id=group["id"])
    await archive.say(chat["uuid"], "我想去敦煌看壁画", config=_saying("莫高窟的壁画很美。"))
    return str((await archive.conversation(title="壁画修复 <b>& 保存</b>"))["uuid"])


async def test_what_was_said_is_found_as_one_types(visit: Visit, archive: Client) -> None:
    chat = await _about_murals(archive)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        palette = await _palette(page)
        found = palette.locator("#found li")
        await expect(palette.locator("#found li:not(:has(.command))")).to_have_count(2)
        await page.keyboard.type("没有这样的话")
        await expect(palette.get_by_role("status")).to_contain_text("没有找到")
        await palette.get_by_role("combobox", name="搜索").fill("壁画")
        await expect(found).to_have_count(3)
        await expect(found.first).to_contain_text("壁画修复 <b>& 保存</b>")
        await expect(palette.locator("mark")).to_have_text(["壁画"] * 3)
        await visitor.shoot("palette")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/c/{chat}")
        await expect(palette).to_have_count(0)


async def test_what_can_be_done_is_found_too(visit: Visit, archive: Client) -> None:
    await _about_murals(archive)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        palette = await _palette(page)
        await expect(palette.locator("#found li[data-kind]")).to_have_attribute("data-kind", "操作")
        await visitor.shoot("palette-commands")
        await page.keyboard.type("深色")
        await expect(palette.locator("#found li")).to_have_count(1)
        await page.keyboard.press("Enter")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        palette = await _palette(page)
        await page.keyboard.type("统计")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/statistics")


async def test_filters(visit: Visit, archive: Client) -> None:
    await _about_murals(archive)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        palette = await _palette(page)
        found = palette.locator("#found li")
        await page.keyboard.type("壁画")
        for label, choice, count in (
            ("发送者", "助手", 1),
            ("发送者", "所有人", 3),
            ("分组", "出行", 2),
            ("时间", "最近 7 天", 2),
            ("模型", "offline", 1),
            ("模型", "全部模型", 2),
            ("分组", "不分组", 1),
        ):
            await palette.get_by_label(label).select_option(label=choice)
            await expect(found).to_have_count(count)


async def test_days_are_those_of_the_readers_clock(visit: Visit, archive: Client) -> None:
    await _about_murals(archive)
    async with visit(timezone_id="Pacific/Kiritimati") as visitor:  # 14 hours before UTC
        page = visitor.page
        await page.goto(archive.origin)
        palette = await _palette(page)
        found = palette.locator("#found li")
        await page.keyboard.type("壁画")
        await expect(found).to_have_count(3)
        await palette.get_by_label("时间").select_option(label="自选日期")
        await palette.get_by_label("从哪天").fill("2026-01-31")
        await expect(found).to_have_count(3)
        asked = (
            "**/chat/search?*beginTime=2026-01-30T10%3A00%3A00.000Z&endTime=2026-01-31T09%3A59%3A59.999999Z*"
        )
        async with page.expect_request(asked):
            await palette.get_by_label("到哪天").fill("2026-01-31")
        await expect(palette.get_by_role("status")).to_contain_text("没有找到")
        # The later day first is the same time.
        await palette.get_by_label("到哪天").fill("2026-01-01")
        await expect(palette.get_by_role("status")).to_contain_text("没有找到")
        await palette.get_by_label("从哪天").fill("2999-12-31")
        await expect(found).to_have_count(3)
        await visitor.shoot("palette-dates")


async def test_a_message_of_another_branch_is_shown_where_it_stands(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="长谈")
    for n in range(30):
        await archive.say(chat["uuid"], f"第 {n} 问", config=_saying(f"第 {n} 答。\n\n" + "字。" * 99))
    third = (await archive.messages(chat["uuid"]))[5]
    wanted = {"chat_id": chat["uuid"], "message_id": third["uuid"], "config": _saying("藏着的琥珀。")}
    await archive.post("/chat/messages/regenerate", wanted)
    await archive.put(f"/chat/messages/{third['uuid']}/activate")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await expect(page.get_by_text("第 29 答。")).to_be_in_viewport()
        palette = await _palette(page)
        for words, says in (("琥珀", "藏着的琥珀。"), ('"第 11 答"', "第 11 答。"), ("琥珀", "藏着的琥珀。")):
            await palette.get_by_role("combobox", name="搜索").fill(words)
            await expect(palette.locator("#found li")).to_have_count(1)
            await page.keyboard.press("Enter")
            await page.wait_for_url("**?m=*")
            await expect(page.locator("article.lit")).to_contain_text(says)
            await expect(page.get_by_text(says)).to_be_in_viewport()
            assert await page.evaluate("CSS.highlights.get('found').size") == 1
            palette = await _palette(page)


def _saying(text: str) -> dict[str, object]:
    return {"offline": {"text": text, "rate": 0}}
