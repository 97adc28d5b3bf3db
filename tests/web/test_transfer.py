"""Export and import: what comes out goes in again, and the report says what became of each."""

import asyncio
import io
import json
import zipfile

from playwright.async_api import Page, expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit

_DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  const area = document.querySelector(".drop-area");
  for (const type of ["dragenter", "drop"]) area.dispatchEvent(new DragEvent(type, options));
}"""


async def _downloaded(page: Page, button: str) -> tuple[str, bytes]:
    async with page.expect_download() as started:
        await page.get_by_role("button", name=button).click()
    download = await started.value
    return download.suggested_filename, await asyncio.to_thread((await download.path()).read_bytes)


async def test_exporting_all_or_some(visit: Visit, archive: Client) -> None:
    for title in ("敦煌壁画", "Pigments", "会议"):
        chat = await archive.conversation(title=title)
        await archive.say(chat["uuid"], f"关于 {title}")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings/data")
        name, content = await _downloaded(page, "导出全部")
        assert name.endswith(".zip")
        files = [each for each in zipfile.ZipFile(io.BytesIO(content)).namelist() if each.endswith(".json")]
        assert len(files) >= 3
        await expect(page.get_by_text(f"已导出 {name}")).to_be_visible()
        await page.get_by_text("自己选").click()
        await expect(page.get_by_role("button", name="导出所选")).to_be_disabled()
        await page.get_by_text("Markdown").click()
        await page.get_by_role("searchbox").fill("壁画")
        await expect(page.locator(".picker-list label")).to_have_count(1)
        await page.locator(".picker-list label").click()
        await visitor.shoot("export")
        name, content = await _downloaded(page, "导出所选（1）")
        assert name.startswith("敦煌壁画")
        assert "关于 敦煌壁画" in content.decode()


async def test_importing_says_what_became_of_each(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="旅行 <b>plans</b>")
    await archive.say(chat["uuid"], "去哪里")
    exported = (await archive.post("/chat/export", {"chat_id": chat["uuid"], "format": "json"})).body["data"]
    await archive.delete(f"/chat/conversations/{chat['uuid']}")
    await archive.delete("/chat/trash", {"all": True})
    file = {"name": "旅行.json", "mimeType": "application/json", "buffer": exported}
    async with visit(locale="en-US", color_scheme="dark", viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        entries = page.locator(".import")
        await page.goto(f"{archive.origin}/settings/data")
        await page.locator("input[type=file]").set_input_files([file])
        await expect(entries.first).to_contain_text("1 imported")
        await expect(entries.first.get_by_role("link", name="旅行 <b>plans</b>")).to_be_visible()
        await page.evaluate(_DROP, ["again.json", exported.decode()])
        await expect(entries).to_have_count(2)
        await expect(entries.first).to_contain_text("1 skipped")
        await expect(entries.first.locator("details[open] li")).to_contain_text("旅行 <b>plans</b>")
        await page.evaluate(_DROP, ["broken.json", json.dumps({"what": "is this"})])
        await expect(entries).to_have_count(3)
        await expect(entries.first.get_by_role("alert")).to_contain_text(
            "Your conversations are as they were"
        )
        await entries.first.scroll_into_view_if_needed()
        await visitor.shoot("import-phone-dark")
    assert (await archive.get("/chat/conversations/list")).data["total"] == 1
