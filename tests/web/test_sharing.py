"""Sharing: a page that is made, copied, taken anew and taken away; nothing on it runs."""

import re
from pathlib import Path

from playwright.async_api import Dialog, expect

from tests.api.routes import upload
from tests.fixtures.client import Client
from tests.web.browser import open_sharing
from tests.web.conftest import Visit
from tests.web.vectors import vectors

ICON = Path(__file__).parents[2] / "web/public/icon-192.png"


async def _spoken(archive: Client) -> str:
    chat = await archive.conversation(title="春天的诗")
    await archive.say(chat["uuid"], "写一首诗")
    return str(chat["uuid"])


async def test_a_conversation_is_shared_as_it_is_now(visit: Visit, archive: Client) -> None:
    chat = await _spoken(archive)
    async with visit(permissions=["clipboard-read", "clipboard-write"]) as visitor:
        page = visitor.page
        await open_sharing(page, archive.origin, "春天的诗")
        dialog = page.get_by_role("dialog", name="分享对话")
        await dialog.get_by_text("7 天", exact=True).click()
        await dialog.get_by_role("button", name="创建链接").click()
        await expect(dialog).to_contain_text("有效至")
        await dialog.get_by_role("button", name="复制链接").click()
        await expect(dialog.get_by_role("button", name="已复制")).to_be_visible()
        await visitor.shoot("share")
        address = await page.evaluate("navigator.clipboard.readText()")
        assert re.fullmatch(re.escape(archive.origin) + r"/share/[\w-]{22}", address)
        await archive.say(chat, "再写一首")
        await page.goto(address)
        await expect(page.locator("article")).to_have_count(2)
        await expect(page.locator("script")).to_have_count(0)
        await visitor.shoot("shared")


async def test_a_shared_page_is_taken_anew_and_away(visit: Visit, archive: Client) -> None:
    chat = await _spoken(archive)
    share = (await archive.post(f"/chat/conversations/{chat}/share", {"days": 1})).data
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/shared")
        await expect(page.locator(".shared").get_by_role("link", name="春天的诗")).to_be_visible()
        await visitor.shoot("shares")
        await open_sharing(page, archive.origin, "春天的诗")
        dialog = page.get_by_role("dialog", name="分享对话")
        await dialog.get_by_role("button", name="用现在的内容更新").click()
        await expect(dialog).to_contain_text("不会过期")
        assert (await archive.get("/chat/shares")).data["shares"][0]["path"] == share["path"]
        await dialog.get_by_role("button", name="停止分享").click()
        await expect(dialog).to_have_count(0)
        gone = await page.goto(archive.origin + share["path"])
        assert gone is not None
        assert gone.status == 404
        await page.goto(f"{archive.origin}/shared")
        await expect(page.get_by_text("没有分享的对话")).to_be_visible()


async def test_a_shared_page_shows_its_pictures(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="照片")
    file = (await archive.post("/chat/upload", data=upload("印章.png", ICON.read_bytes()))).data
    await archive.post("/chat/messages", {"chat_id": chat["uuid"], "content": "看", "files": [file["id"]]})
    share = (await archive.post(f"/chat/conversations/{chat['uuid']}/share", {})).data
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin + share["path"])
        picture = page.get_by_role("img", name="印章.png")
        await expect(picture).to_be_visible()
        await page.wait_for_function("() => document.images[0].naturalWidth === 192")
        await visitor.shoot("shared-picture")


async def test_a_shared_page_runs_nothing_and_loads_nothing(visit: Visit, archive: Client) -> None:
    attacks = list(vectors())
    chat = await archive.conversation(title=attacks[0][:200], config={"offline": {"text": "", "rate": 0}})
    for begin in range(0, len(attacks), 60):
        text = "\n\n".join(attacks[begin : begin + 60])
        await archive.say(chat["uuid"], text, config={"offline": {"text": text, "rate": 0}})
    share = (await archive.post(f"/chat/conversations/{chat['uuid']}/share", {})).data
    async with visit() as visitor:
        page = visitor.page
        said: list[str] = []

        async def hear(dialog: Dialog) -> None:
            said.append(dialog.message)
            await dialog.dismiss()

        page.on("dialog", hear)
        await page.goto(archive.origin + share["path"])
        await expect(page.locator("article").first).to_be_visible()
        active = "script, iframe, object, embed, form, img, svg, video, audio, link[href], base"
        assert await page.locator(active).count() == 0
        hrefs = await page.locator("a").evaluate_all("(all) => all.map((a) => a.protocol)")
        assert set(hrefs) <= {"http:", "https:", "mailto:", "ftp:", "tel:"}
        assert page.url == archive.origin + share["path"]
        assert not said
