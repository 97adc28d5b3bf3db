"""What is sent while a reply is being written waits for its end."""

import asyncio

from playwright.async_api import expect

from tests.files.documents import PNG
from tests.fixtures.client import Client
from tests.fixtures.upstream import DONE, FINISH, Act, delta, head, reply
from tests.web.browser import ask, ask_small
from tests.web.conftest import Visit

_PICTURE = {"name": "图.png", "mimeType": "image/png", "buffer": PNG}


async def test_it_goes_out_when_the_reply_has_ended(visit: Visit, archive: Client) -> None:
    released = asyncio.Event()
    slow = [head() + delta("第一答"), released, FINISH + DONE]
    async with visit() as visitor, ask_small(archive, visitor.page, slow, reply("第二答"), reply("第三答")):
        page = visitor.page
        said = page.locator("article").locator(".bubble, .prose")
        await expect(said).to_have_text(["问", "第一答"])
        await page.locator(".composer input[type=file]").set_input_files(_PICTURE)
        await page.get_by_role("button", name="移除").wait_for()
        # Until it is on the server, Enter sends nothing.
        await expect(page.locator(".composer progress")).to_have_count(0)
        await ask(page, "第二问")
        await ask(page, "不问了")
        await ask(page, "第三问")
        waiting = page.get_by_role("list", name="等待发送").get_by_role("listitem")
        await expect(waiting).to_have_count(3)
        await page.reload()
        await expect(waiting.first).to_contain_text("等回复结束 · 1 个文件")
        await visitor.shoot("queue")
        await waiting.filter(has_text="不问了").get_by_role("button", name="放弃").click()
        await expect(waiting).to_have_count(2)
        assert len(await archive.messages(page.url.rpartition("/")[2])) == 2
        released.set()
        await expect(said).to_have_text(["问", "第一答", "第二问", "第二答", "第三问", "第三答"])
        await expect(waiting).to_have_count(0)
        stored = await archive.messages(page.url.rpartition("/")[2])
    assert [len(message["files"]) for message in stored] == [0, 0, 1, 0, 0, 0]


async def test_it_stays_where_the_reply_was_stopped(visit: Visit, archive: Client) -> None:
    endless = [head() + delta("没完"), Act.HOLD]
    async with visit() as visitor, ask_small(archive, visitor.page, endless, reply("答")):
        page = visitor.page
        said = page.locator("article").locator(".bubble, .prose")
        await expect(said).to_have_text(["问", "没完"])
        await ask(page, "再问")
        waiting = page.get_by_role("list", name="等待发送").get_by_role("listitem")
        await waiting.wait_for()
        await page.get_by_role("button", name="停止生成").click()
        await expect(waiting).to_contain_text("没有发出")
        await page.reload()
        await expect(waiting).to_contain_text("再问")
        await expect(said).to_have_text(["问", "没完"])
        await visitor.shoot("queue-held")
        await waiting.get_by_role("button", name="编辑").click()
        await expect(waiting).to_have_count(0)
        await expect(page.get_by_role("textbox", name="消息")).to_have_value("再问")


async def test_a_person_sends_what_was_left_waiting(visit: Visit, archive: Client) -> None:
    released = asyncio.Event()
    broken = [head() + delta("断了"), released]
    async with visit() as visitor, ask_small(archive, visitor.page, broken, reply("答")):
        page = visitor.page
        said = page.locator("article").locator(".bubble, .prose")
        await expect(said).to_have_text(["问", "断了"])
        await ask(page, "再问")
        await page.get_by_role("list", name="等待发送").wait_for()
        released.set()
        await page.locator("article.failed").wait_for()
        await page.get_by_role("button", name="现在发送").click()
        await expect(said).to_have_text(["问", "断了", "再问", "答"])
        await expect(page.get_by_role("list", name="等待发送")).to_have_count(0)
