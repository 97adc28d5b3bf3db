"""Export and import: what comes out goes in again, and the report says what became of each."""

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Page, expect

from duihua.core.ids import new_uuid
from duihua.transfer import importing
from duihua.transfer.found import Found
from tests.files.uploads import stored
from tests.fixtures.client import Client
from tests.web.conftest import Visit

_DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  const area = document.querySelector(".drop-area");
  for (const type of ["dragenter", "drop"]) area.dispatchEvent(new DragEvent(type, options));
}"""


def _slowly(read: Callable[..., Iterator[Found]], *args: Any) -> Iterator[Found]:
    for found in read(*args):
        time.sleep(0.1)
        yield found


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
        await expect(page.get_by_text("浏览器正在下载")).to_be_visible()
        await page.get_by_text("自己选").click()
        await expect(page.get_by_role("button", name="导出所选")).to_be_disabled()
        await page.get_by_text("HTML", exact=True).click()
        await expect(page.get_by_text("任何浏览器")).to_be_visible()
        await page.get_by_text("Markdown").click()
        await page.get_by_role("searchbox").fill("壁画")
        await expect(page.locator(".picker-list label")).to_have_count(1)
        await page.locator(".picker-list label").click()
        await visitor.shoot("export")
        name, content = await _downloaded(page, "导出所选（1）")
        assert name.startswith("敦煌壁画")
        assert "关于 敦煌壁画" in content.decode()


async def test_what_an_export_holds_is_chosen(visit: Visit, archive: Client) -> None:
    file = await stored(archive, "笔记.txt", b"notes")
    chat = (await archive.conversation(title="版本"))["uuid"]
    said = await archive.say(chat, "问", files=[file["id"]])
    again = {"chat_id": chat, "message_id": said["reply"]["uuid"], "config": {"offline": {"text": "另一版"}}}
    await archive.post("/chat/messages/regenerate", again)
    async with visit() as visitor:
        page = visitor.page
        versions = page.get_by_role("switch", name="包含所有版本")
        contents = page.get_by_role("switch", name="包含附件的内容")
        await page.goto(f"{archive.origin}/settings/data")
        await page.get_by_text("自己选").click()
        await page.locator(".picker-list label").click()
        whole = json.loads((await _downloaded(page, "导出所选（1）"))[1])
        assert (len(whole["messages"]), len(whole["files"])) == (3, 1)
        await versions.click()
        await contents.click()
        await visitor.shoot("export-options")
        shown = json.loads((await _downloaded(page, "导出所选（1）"))[1])
        assert [message["content"] for message in shown["messages"]] == ["问", "另一版"]
        assert ("files" in shown, shown["messages"][0]["files"][0]["name"]) == (False, "笔记.txt")
        # What is to be read has the shown branch, unless a person wants all of it.
        await page.get_by_text("纯文本", exact=True).click()
        await expect(contents).to_have_count(0)
        assert "版本 2/2" not in (await _downloaded(page, "导出所选（1）"))[1].decode()
        await versions.click()
        assert "版本 2/2" in (await _downloaded(page, "导出所选（1）"))[1].decode()


async def test_several_go_to_the_disk_and_a_refusal_is_told(visit: Visit, archive: Client) -> None:
    chats = [(await archive.conversation(title=title))["uuid"] for title in ("甲", "乙", "丙")]
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings/data")
        await page.get_by_text("自己选").click()
        for title in ("甲", "乙"):
            await page.locator(".picker-list label", has_text=title).click()
        async with page.expect_download() as started:
            await page.get_by_role("button", name="导出所选（2）").click()
        assert (await started.value).url == f"{archive.origin}/chat/export/chosen"
        with zipfile.ZipFile(await (await started.value).path()) as zipped:
            assert sorted(zipped.namelist()) == ["乙.json", "甲.json"]
        await expect(page.get_by_text("浏览器正在下载")).to_be_visible()
        # One of them goes elsewhere: no file comes, and it is said why.
        await archive.delete(f"/chat/conversations/{chats[0]}")
        await page.get_by_role("button", name="导出所选（2）").click()
        await expect(page.locator(".notice.wrong")).to_contain_text("对话不存在")


async def test_an_import_that_is_cancelled_says_what_stays(
    visit: Visit, archive: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = [await archive.conversation(title=f"第 {n} 段") for n in range(40)]
    body = {"chat_ids": [chat["uuid"] for chat in chats], "format": "json"}
    exported = (await archive.post("/chat/export/batch", body)).body["data"]
    await archive.delete("/chat/conversations/batch", {"ids": body["chat_ids"]})
    await archive.delete("/chat/trash", {"all": True})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings/data")
        file = {"name": "多.zip", "mimeType": "application/zip", "buffer": exported}
        await page.locator("input[type=file]").set_input_files([file])
        entry = page.locator(".import")
        await expect(entry).to_contain_text("40 个新对话")
        assert (await archive.get("/chat/conversations/list")).data["total"] == 0
        monkeypatch.setattr(importing, "_MESSAGES_AT_ONCE", 1)
        monkeypatch.setattr(importing.formats, "read", partial(_slowly, importing.formats.read))
        await entry.get_by_role("button", name="导入").click()
        await expect(entry).to_contain_text("已导入 ")
        await entry.get_by_role("button", name="取消").click()
        await expect(entry).to_contain_text("已取消。已导入的 ")
        kept = int((await entry.inner_text()).split("已导入的 ")[1].split()[0])
        await visitor.shoot("import-cancelled")
    assert 0 < kept < 40
    assert (await archive.get("/chat/conversations/list")).data["total"] == kept


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
        await expect(entries.first.get_by_role("status")).to_contain_text("From Duihua")
        await entries.first.get_by_role("button", name="Import").click()
        await expect(entries.first).to_contain_text("1 imported")
        await expect(entries.first.get_by_role("link", name="旅行 <b>plans</b>")).to_be_visible()
        await page.evaluate(_DROP, ["broken.json", json.dumps({"what": "is this"})])
        await expect(entries).to_have_count(2)
        await expect(entries.first.get_by_role("alert")).to_contain_text(
            "Your conversations are as they were"
        )
        await entries.first.scroll_into_view_if_needed()
        await visitor.shoot("import-phone-dark")
    assert (await archive.get("/chat/conversations/list")).data["total"] == 1


async def test_what_is_there_is_shown_before_it_is_brought_up_to_date(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="旅行" * 40)
    await archive.say(chat["uuid"], "去哪里")
    exported = (await archive.post("/chat/export", {"chat_id": chat["uuid"], "format": "json"})).body["data"]
    newer = json.loads(exported)
    leaf = newer["conversation"]["active_leaf"] = new_uuid()
    newer["messages"].append(newer["messages"][0] | {"uuid": leaf, "content": "后来说的"})
    async with visit(viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings/data")
        file = {
            "name": f"{'新' * 80}.json",
            "mimeType": "application/json",
            "buffer": json.dumps(newer).encode(),
        }
        await page.locator("input[type=file]").set_input_files([file])
        entry = page.locator(".import")
        await expect(entry.get_by_role("status")).to_contain_text("来自 Duihua")
        await expect(entry).to_contain_text("1 个已存在")
        begin = entry.get_by_role("button", name="导入")
        await expect(begin).to_be_disabled()
        await entry.get_by_text("补全").click()
        await entry.scroll_into_view_if_needed()
        assert await entry.evaluate("(e) => e.scrollWidth <= e.clientWidth")
        await visitor.shoot("import-preview")
        await begin.click()
        await expect(entry).to_contain_text("补全 1 个")
    assert [message["content"] for message in await archive.messages(chat["uuid"])] == ["后来说的"]
