"""Groups, dragging, and many conversations at once."""

import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page, expect

from tests.fixtures.client import Client
from tests.web.browser import Visitor
from tests.web.conftest import Visit


def _row(page: Page, title: str) -> Locator:
    return page.get_by_role("navigation").get_by_role("link", name=title, exact=True)


def _group(page: Page, name: str) -> Locator:
    return page.locator(".group-row", has_text=name)


async def _act(row: Locator, page: Page, *names: str) -> None:
    await row.hover()
    await row.get_by_role("button", name="的操作").click()
    for name in names:
        await page.get_by_role("menuitem", name=name).click()


async def _home(archive: Client, title: str) -> int:
    found = (await archive.get("/chat/conversations/list")).data["list"]
    return int(next(chat["group_id"] for chat in found if chat["title"] == title))


@asynccontextmanager
async def _several(visit: Visit, archive: Client, count: int) -> AsyncIterator[tuple[Visitor, Page]]:
    """Conversations 对话 1, 对话 2, …, and the page that lists them."""
    for n in range(1, count + 1):
        await archive.conversation(title=f"对话 {n}")
    async with visit() as visitor:
        await visitor.page.goto(archive.origin)
        yield visitor, visitor.page


async def _rename_in_place(page: Page, before: str, after: str) -> None:
    """By F2, which Escape takes back, and by a double click."""
    await _group(page, before).locator(".group-name").press("F2")
    await expect(page.get_by_role("navigation").get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("不要")
    await page.keyboard.press("Escape")
    await expect(_group(page, before).locator(".group-name")).to_be_focused()
    await page.keyboard.press("F2")
    await page.keyboard.type("之间")
    await page.keyboard.press("Enter")
    await _group(page, "之间").locator(".group-name").dblclick()
    await page.keyboard.type(after)
    await page.keyboard.press("Enter")
    await expect(_group(page, after)).to_be_visible()


async def test_groups_are_made_renamed_ordered_and_removed(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        for name in ("工作", "旅行 travel"):
            await page.get_by_role("button", name="新建分组").click()
            await page.get_by_label("名称").fill(name)
            await page.get_by_title("湖蓝").click()
            await page.keyboard.press("Enter")
            await expect(_group(page, name)).to_be_visible()
        await _act(_group(page, "旅行 travel"), page, "上移")
        await expect(page.locator(".group-row").first).to_contain_text("旅行 travel")
        await _rename_in_place(page, "工作", "公事")
        own = [group for group in (await archive.get("/chat/groups")).data if not group["is_default"]]
        assert [group["name"] for group in own] == ["旅行 travel", "公事"]
        await archive.conversation(title="在里面", group_id=own[1]["id"])
        await expect(_group(page, "公事").locator(".count")).to_have_text("1")
        await _act(_group(page, "公事"), page, "删除分组")
        await page.get_by_role("dialog").get_by_role("button", name="删除").click()
        await expect(_group(page, "公事")).to_have_count(0)
        await expect(_row(page, "在里面")).to_be_visible()


async def test_conversations_are_dragged_into_a_group(visit: Visit, archive: Client) -> None:
    group = (await archive.post("/chat/groups", {"name": "旅行"})).data["id"]
    for title in ("甲", "乙", "丙"):
        await archive.conversation(title=title)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await _row(page, "甲").drag_to(_group(page, "旅行"))
        await expect(page.get_by_text("已将 1 个对话移到“旅行”")).to_be_visible()
        await expect(_row(page, "甲")).to_have_count(0)
        await _row(page, "乙").click(modifiers=["Control"])
        await _row(page, "丙").click(modifiers=["Control"])
        await _row(page, "丙").drag_to(_group(page, "旅行"))
        await expect(_group(page, "旅行").locator(".count")).to_have_text("3")
        await _group(page, "旅行").locator(".group-name").click()
        await expect(_row(page, "甲")).to_be_visible()
        await visitor.shoot("groups")
    assert [await _home(archive, title) for title in ("甲", "乙", "丙")] == [group] * 3


async def test_many_are_moved_exported_and_deleted(visit: Visit, archive: Client) -> None:
    await archive.post("/chat/groups", {"name": "旅行"})
    async with _several(visit, archive, 6) as (visitor, page):
        chosen = page.get_by_role("toolbar").get_by_role("status")
        await _row(page, "对话 5").click(modifiers=["Control"])
        await _row(page, "对话 2").click(modifiers=["Shift"])
        await expect(chosen).to_have_text("已选 4 个")
        await visitor.shoot("selection")
        await page.get_by_role("toolbar").get_by_role("button", name="导出").click()
        async with page.expect_download() as coming:
            await page.get_by_role("menuitem", name="Markdown").click()
        # It goes from the server to the disk, and is never in the page.
        assert (await coming.value).url == f"{archive.origin}/chat/export/chosen"
        with zipfile.ZipFile(await (await coming.value).path()) as archived:
            assert len(archived.namelist()) == 4
        await expect(page.get_by_text("正在下载：4 个对话的压缩包")).to_be_visible()
        for n in (1, 6):
            await _row(page, f"对话 {n}").click(modifiers=["Control"])
        await page.get_by_role("toolbar").get_by_role("button", name="移动到分组").click()
        await page.get_by_role("menuitem", name="旅行").click()
        await expect(_group(page, "旅行").locator(".count")).to_have_text("2")
    assert (await archive.get("/chat/conversations/list")).data["total"] == 6


async def test_a_row_shows_its_box_to_the_pointer_and_to_the_keyboard(visit: Visit, archive: Client) -> None:
    async with _several(visit, archive, 6) as (visitor, page):

        def box(n: int) -> Locator:
            return page.get_by_role("checkbox", name=f"选择“对话 {n}”")

        chosen = page.get_by_role("toolbar").get_by_role("status")
        before = await _row(page, "对话 5").bounding_box()
        await expect(box(5)).to_have_css("opacity", "0")
        await _row(page, "对话 5").hover()
        await expect(box(5)).to_have_css("opacity", "1")
        after = await _row(page, "对话 5").bounding_box()
        assert before and after and before["x"] == after["x"]  # no title moves
        await box(3).focus()
        await expect(box(3)).to_have_css("opacity", "1")
        await page.keyboard.press("Space")
        await expect(chosen).to_have_text("已选 1 个")
        await expect(box(6)).to_have_css("opacity", "1")  # now that something is chosen, all have theirs
        await box(5).click(modifiers=["Shift"])
        await expect(chosen).to_have_text("已选 3 个")
        await box(4).click(modifiers=["Shift"])
        await expect(box(4)).to_be_checked()
        await visitor.shoot("boxes")
        for n in (3, 4, 5):
            await box(n).click()
            await expect(box(n)).not_to_be_checked()
        await expect(chosen).to_have_count(0)


async def test_all_are_deleted_and_brought_back_also_those_that_were_never_scrolled_to(
    visit: Visit, archive: Client
) -> None:
    async with _several(visit, archive, 123) as (_, page):
        await _row(page, "对话 123").wait_for()
        await page.get_by_role("button", name="选择多个对话").click()
        await page.get_by_role("button", name="全选").click()
        await expect(page.get_by_role("toolbar").get_by_role("status")).to_have_text("已选 123 个")
        await page.get_by_role("toolbar").get_by_role("button", name="删除").click()
        await expect(page.get_by_text("已删除 123 个对话")).to_be_visible()
        await expect(_row(page, "对话 123")).to_have_count(0)
        await page.get_by_role("button", name="撤销").click()
        await expect(_row(page, "对话 123")).to_be_visible()
    assert (await archive.get("/chat/conversations/list")).data["total"] == 123


async def test_all_of_a_group_and_all_that_were_found(visit: Visit, archive: Client) -> None:
    group = (await archive.post("/chat/groups", {"name": "旅行"})).data["id"]
    for n in range(103):
        await archive.conversation(title=f"里面 {n}", group_id=group)
    await archive.conversation(title="外面 7")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        chosen = page.get_by_role("toolbar").get_by_role("status")
        await _act(_group(page, "旅行"), page, "全选组内对话")
        await expect(chosen).to_have_text("已选 103 个")
        await page.get_by_role("navigation").press("Escape")
        await expect(chosen).to_have_count(0)
        await page.keyboard.press("Control+k")
        await page.get_by_role("combobox", name="搜索").fill("7")
        await page.get_by_role("button", name="选择找到的对话").click()
        await expect(chosen).to_have_text("已选 12 个")  # 7 and 70 to 79 of the group, and the one outside
        await page.get_by_role("toolbar").get_by_role("button", name="移动到分组").click()
        await page.get_by_role("menuitem", name="不分组").click()
        await expect(page.get_by_text("已将 12 个对话移到")).to_be_visible()
        await expect(_group(page, "旅行").locator(".count")).to_have_text("92")


async def test_what_was_written_in_a_dialog_is_not_lost_by_a_slip(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        for filled in (False, True):
            await page.get_by_role("button", name="新建分组").click()
            if filled:
                await page.get_by_label("名称").fill("还没存")
            await page.mouse.click(5, 5)
            await expect(page.get_by_role("dialog")).to_have_count(1 if filled else 0)
        await expect(page.get_by_label("名称")).to_have_value("还没存")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_one_is_renamed_pinned_and_archived(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="旧名")
    await archive.conversation(title="别的")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await _row(page, "旧名").press("F2")
        await expect(page.get_by_role("navigation").get_by_role("textbox")).to_be_focused()
        await page.keyboard.type("新名")
        await page.keyboard.press("Enter")
        row = page.locator(".chat-row", has_text="新名")
        await _act(row, page, "置顶")
        await expect(page.get_by_role("heading", name="置顶")).to_be_visible()
        await expect(page.locator(".chat-row").first).to_contain_text("新名")
        await _act(row, page, "归档")
        await page.wait_for_url(f"{archive.origin}/")
        await expect(row).to_have_count(0)
    stored = (await archive.get(f"/chat/conversations/{chat['uuid']}")).data
    assert (stored["title"], stored["pinned"], stored["status"]) == ("新名", True, "archived")


async def test_several_are_archived_and_brought_back(visit: Visit, archive: Client) -> None:
    async with _several(visit, archive, 7) as (_, page):
        await _row(page, "对话 7").click(modifiers=["Control"])
        await _row(page, "对话 2").click(modifiers=["Shift"])
        async with page.expect_request("**/conversations/batch/status"):
            await page.get_by_role("toolbar").get_by_role("button", name="归档").click()
        await expect(page.get_by_text("已归档 6 个对话")).to_be_visible()
        await expect(page.locator(".chat-row")).to_have_count(1)
        assert (await archive.get("/chat/conversations/list?status=archived")).data["total"] == 6
        await page.get_by_role("button", name="撤销").click()
        await expect(page.locator(".chat-row")).to_have_count(7)
    assert (await archive.get("/chat/conversations/list?status=archived")).data["total"] == 0
