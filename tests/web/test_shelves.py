"""Conversations that are put away: archived or deleted, they come back, or go for good."""

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit


async def _chats(archive: Client, count: int) -> list[str]:
    return [(await archive.conversation(title=f"对话 {n}"))["uuid"] for n in range(count)]


async def _delete(archive: Client, count: int) -> None:
    await archive.delete("/chat/conversations/batch", {"ids": await _chats(archive, count)})


async def test_restoring(visit: Visit, archive: Client) -> None:
    await _delete(archive, 53)
    async with visit() as visitor:
        page = visitor.page
        rows = page.locator(".shelf li")
        await page.goto(archive.origin)
        await page.get_by_role("link", name="回收站").click()
        await expect(rows).to_have_count(50)
        await page.get_by_role("button", name="再显示（还有 3 个）").click()
        await expect(rows).to_have_count(53)
        await page.get_by_role("button", name="恢复“对话 7”").click()
        await expect(rows).to_have_count(52)
        await expect(page.get_by_role("navigation").get_by_role("link", name="对话 7")).to_be_visible()
    assert (await archive.get("/chat/conversations/list")).data["total"] == 1


async def test_purging_asks_first(visit: Visit, archive: Client) -> None:
    await _delete(archive, 5)
    async with visit() as visitor:
        page = visitor.page
        rows = page.locator(".shelf li")
        await page.goto(f"{archive.origin}/trash")
        await page.get_by_role("checkbox", name="选择“对话 1”").check()
        await page.get_by_role("checkbox", name="选择“对话 2”").check()
        await visitor.shoot("trash")
        await page.get_by_role("button", name="永久删除", exact=True).click()
        dialog = page.get_by_role("dialog", name="永久删除 2 个对话？")
        await dialog.get_by_role("button", name="取消").click()
        await expect(rows).to_have_count(5)
        await page.get_by_role("button", name="永久删除", exact=True).click()
        await dialog.get_by_role("button", name="永久删除").click()
        await expect(rows).to_have_count(3)
        assert (await archive.get("/chat/trash")).data["total"] == 3
        await page.get_by_role("button", name="清空回收站").click()
        await page.get_by_role("dialog").get_by_role("button", name="永久删除").click()
        await expect(page.get_by_role("heading", name="回收站是空的")).to_be_visible()
        await visitor.shoot("trash-empty")
    assert (await archive.get("/chat/trash")).data["total"] == 0


async def test_archived_conversations(visit: Visit, archive: Client) -> None:
    chats = await _chats(archive, 3)
    for chat in chats:
        await archive.put(f"/chat/conversations/{chat}", {"status": "archived"})
    async with visit(locale="en-US", color_scheme="dark", viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        rows = page.locator(".shelf li")
        await page.goto(f"{archive.origin}/archived")
        await expect(rows).to_have_count(3)
        await page.get_by_role("button", name="Unarchive “对话 0”").click()
        await expect(rows).to_have_count(2)
        # What is archived elsewhere shows here.
        other = (await _chats(archive, 1))[0]
        await archive.put(f"/chat/conversations/{other}", {"status": "archived"})
        await expect(rows).to_have_count(3)
        await archive.put(f"/chat/conversations/{other}", {"status": "active"})
        await expect(rows).to_have_count(2)
        await page.get_by_role("checkbox", name="Select all").check()
        await visitor.shoot("archived-phone-dark")
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(page.get_by_role("heading", name="Nothing is archived")).to_be_visible()
        await page.get_by_role("button", name="Undo").click()
        await expect(rows).to_have_count(2)
        await rows.get_by_role("link", name="对话 1").click()
        await page.wait_for_url(f"**/c/{chats[1]}")
    assert (await archive.get(f"/chat/conversations/{chats[0]}")).data["status"] == "active"
