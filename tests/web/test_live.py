"""What another device does is here without a reload, and a line that breaks costs nothing."""

import asyncio

from playwright.async_api import Browser, expect

from tests.fixtures.client import Client
from tests.fixtures.upstream import DONE, FINISH, delta, head
from tests.web.browser import ask, ask_small, visiting
from tests.web.conftest import Visit
from tests.web.wire import wired

_SENTENCES = [f"第{n}句，sentence {n}。" for n in range(120)]
_WORDS = "".join(_SENTENCES)


async def test_two_devices_see_one_reply(visit: Visit, archive: Client) -> None:
    async with visit() as first, visit() as second:
        here, there = first.page, second.page
        rows = there.get_by_role("navigation").locator(".chat-link")
        await there.goto(archive.origin)
        await there.get_by_text("你的对话会出现在这里。").wait_for()
        chat = await archive.conversation(config={"offline": {"text": _WORDS, "rate": 150}})
        await expect(rows).to_have_count(1)
        await here.goto(f"{archive.origin}/c/{chat['uuid']}")
        await ask(here, "说给两边听")
        await there.get_by_role("img", name="正在回复").wait_for()
        await rows.first.click()
        await there.locator('.chat[data-state="streaming"]').wait_for()
        for page in (here, there):
            await page.locator('.chat[data-state="ready"]').wait_for()
            await expect(page.locator("article.assistant .prose")).to_have_text(_WORDS)


async def test_what_is_changed_elsewhere_shows(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation()
    await archive.say(chat["uuid"])
    reply = (await archive.messages(chat["uuid"]))[1]["uuid"]
    async with visit() as visitor:
        page = visitor.page
        rows = page.get_by_role("navigation").locator(".chat-link")
        prose = page.locator("article.assistant .prose")
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await expect(prose).to_have_text("好的。")
        await archive.put(f"/chat/messages/{reply}", {"content": "改过的回答"})
        await expect(prose).to_have_text("改过的回答")
        await archive.put(f"/chat/conversations/{chat['uuid']}", {"title": "新的标题"})
        await expect(rows.first).to_have_text("新的标题")
        await archive.post("/chat/groups", {"name": "新的分组"})
        await expect(page.get_by_role("button", name="新的分组", exact=True)).to_be_visible()
        await archive.delete(f"/chat/conversations/{chat['uuid']}")
        await expect(page.get_by_role("alert")).to_contain_text("在别处被删除")
        await expect(rows).to_have_count(0)


async def test_versions_that_come_go_and_come_back_elsewhere_show(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation()
    question = (await archive.say(chat["uuid"]))["message_id"]
    reply = (await archive.messages(chat["uuid"]))[1]["uuid"]
    async with visit() as visitor:
        page = visitor.page
        prose = page.locator("article.assistant .prose")
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await expect(prose).to_have_text("好的。")
        wanted = {"chat_id": chat["uuid"], "message_id": reply, "config": {"offline": {"text": "第二版"}}}
        await archive.post("/chat/messages/regenerate", wanted)
        await expect(prose).to_have_text("第二版")
        await expect(page.locator("article.assistant .versions")).to_contain_text("2/2")
        await archive.delete(f"/chat/messages/{reply}")
        await expect(page.locator("article.assistant .versions")).to_have_count(0)
        await archive.delete(f"/chat/messages/{question}")
        await expect(page.locator("article.user")).to_have_count(0)
        await archive.put(f"/chat/messages/{question}/restore")
        await expect(page.locator("article.user")).to_have_count(1)


async def test_a_cut_line_loses_nothing_and_repeats_nothing(browser: Browser, archive: Client) -> None:
    heard = [asyncio.Event(), asyncio.Event()]
    first, second, third = (map(delta, _SENTENCES[begin : begin + 40]) for begin in (0, 40, 80))
    slowly = [head(), *first, heard[0], *second, heard[1], *third, FINISH, DONE]
    async with (
        wired(archive.origin) as wire,
        visiting(browser, wire.origin, cuts=True) as visitor,
        ask_small(archive, page := visitor.page, slowly, origin=wire.origin),
    ):
        prose = page.locator("article.assistant .prose")
        for last, go_on in zip(("第39句", "第79句"), heard, strict=True):
            await expect(prose).to_contain_text(last)
            wire.cut()
            go_on.set()
            await expect(page.get_by_text("连接中断，正在重连")).to_be_visible()
            wire.mend()
        await page.locator('.chat[data-state="ready"]').wait_for()
        await expect(prose).to_have_text(_WORDS)
        await expect(page.locator("article")).to_have_count(2)
        wire.cut()
        chat = page.url.rpartition("/")[2]
        await archive.put(f"/chat/conversations/{chat}", {"title": "在断线时改的"})
        wire.mend()
        await expect(page.get_by_role("navigation").locator(".chat-link")).to_have_text("在断线时改的")


async def test_a_reply_goes_on_while_one_is_elsewhere_and_after_a_reload(
    visit: Visit, archive: Client
) -> None:
    chat = await archive.conversation(title="慢", config={"offline": {"text": _WORDS, "rate": 12}})
    other = await archive.conversation(title="别的")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await ask(page, "慢慢说")
        prose = page.locator("article.assistant .prose")
        await expect(prose).to_contain_text(_WORDS[:5])
        rows = page.get_by_role("navigation")
        await rows.get_by_role("link", name="别的").click()
        await page.wait_for_url(f"**/c/{other['uuid']}")
        await expect(rows.get_by_role("img", name="正在回复")).to_be_visible()
        await rows.get_by_role("link", name="慢").click()
        await page.locator('.chat[data-state="streaming"]').wait_for()
        await page.reload()
        await expect(prose).to_contain_text(_WORDS[:5])
        await page.locator('.chat[data-state="streaming"]').wait_for()
        await page.get_by_role("button", name="停止生成").click()
        await expect(page.locator("article.assistant .ended")).to_have_text("已停止")
        said = (await archive.messages(chat["uuid"]))[1]["content"]
        assert _WORDS.startswith(said)
        await expect(prose).to_have_text(said)
