"""What one can do with a message, and what it says where something went wrong."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import APIResponse, Locator, Page, Route, expect

from tests.fixtures.client import Client
from tests.fixtures.upstream import Upstream, answer, models, reply
from tests.web.browser import ask
from tests.web.conftest import Visit


async def _act(page: Page, message: str, *names: str) -> None:
    """Choose `names`, one after the other, from the menu of a message."""
    await page.locator(f"article.{message}").last.hover()
    await page.locator(f"article.{message}").last.get_by_role("button", name="更多").click()
    for name in names:
        await page.get_by_role("menuitem", name=name).click()


async def test_deleting_can_be_undone(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="删除")
    await archive.say(chat["uuid"], "一")
    await archive.say(chat["uuid"], "二")
    before = await archive.messages(chat["uuid"])
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        for message, left in (("user", ["一", "好的。", "好的。"]), ("assistant", ["一", "好的。", "二"])):
            await _act(page, message, "删除")
            await expect(page.locator("article").locator(".bubble, .prose")).to_have_text(left)
            assert len(await archive.messages(chat["uuid"])) == 3
            await page.get_by_role("button", name="撤销").click()
            await expect(page.locator("article").locator(".bubble, .prose")).to_have_text(
                ["一", "好的。", "二", "好的。"]
            )
            assert [m["uuid"] for m in await archive.messages(chat["uuid"])] == [m["uuid"] for m in before]


@asynccontextmanager
async def _two_questions(visit: Visit, archive: Client) -> AsyncIterator[tuple[Page, Locator]]:
    """A conversation where two questions are answered, open; and what is said in it."""
    chat = await archive.conversation(title="两问", config={"offline": {"text": "再答。", "rate": 0}})
    await archive.say(chat["uuid"], "问一")
    await archive.say(chat["uuid"], "问二")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        yield page, page.locator("article").locator(".bubble, .prose")


async def test_editing_in_place_and_as_a_branch(visit: Visit, archive: Client) -> None:
    async with _two_questions(visit, archive) as (page, said):
        await _act(page, "assistant", "就地编辑")
        field = page.get_by_role("textbox", name="编辑")
        await field.fill("改好的。")
        await page.get_by_role("button", name="仅保存").click()
        await expect(said).to_have_text(["问一", "好的。", "问二", "改好的。"])
        await page.get_by_role("textbox", name="消息").focus()
        await page.keyboard.press("ArrowUp")
        await expect(field).to_have_value("问二")
        await page.keyboard.press("Escape")
        await expect(field).to_have_count(0)


async def test_a_changed_question_stands_beside_the_old(visit: Visit, archive: Client) -> None:
    async with _two_questions(visit, archive) as (page, said):
        await page.locator("article.user").first.hover()
        await page.locator("article.user").first.get_by_role("button", name="编辑").click()
        await page.get_by_role("textbox", name="编辑").fill("换个问法")
        await page.get_by_role("button", name="保存并发送").click()
        await expect(said).to_have_text(["换个问法", "再答。"])
        versions = page.locator("article.user .versions")
        await expect(versions).to_contain_text("2/2")
        await versions.get_by_role("button", name="上一个版本").click()
        await expect(said).to_have_text(["问一", "好的。", "问二", "好的。"])
        await versions.locator("button").last.press("ArrowRight")
        await expect(said).to_have_text(["换个问法", "再答。"])


async def test_another_model_and_a_refusal(visit: Visit, archive: Client) -> None:
    refusal = answer(401, {"error": {"message": "wrong key"}})
    async with Upstream(models("small", "large"), reply("小的答"), refusal, reply("大的答")) as upstream:
        made = {"model_url": upstream.url, "provider": "custom", "api_key": "sk-0123456789abcdef"}
        await archive.post("/chat/api-keys", made)
        chat = await archive.conversation(title="换模型", model_id="small")
        async with visit() as visitor:
            page = visitor.page
            await page.goto(f"{archive.origin}/c/{chat['uuid']}")
            await page.get_by_role("textbox", name="消息").fill("问")
            await page.keyboard.press("Enter")
            await expect(page.locator("article.assistant .prose")).to_have_text("小的答")
            await page.get_by_role("button", name="重新生成").click()
            failure = page.locator("article.assistant .failure")
            await expect(failure.get_by_role("link", name="检查模型连接")).to_be_visible()
            await page.reload()
            await expect(failure).to_be_visible()
            await visitor.shoot("failure")
            await failure.get_by_role("button", name="换个模型回答").click()
            await page.get_by_role("menuitem", name="large").click()
            await expect(page.locator("article.assistant .prose")).to_have_text("大的答")
            await expect(page.locator("article.assistant .versions")).to_contain_text("3/3")
    assert [call.json()["model"] for call in upstream.calls[1:]] == ["small", "small", "large"]


async def test_a_message_tells_its_details(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="详情", config={"offline": {"text": "一二三", "rate": 20}})
    await archive.say(chat["uuid"], "问")
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await _act(page, "assistant")
        facts = page.locator(".menu-label")
        for fact in (
            r"\d{4}年",
            "offline",
            r"\d+ tokens",
            "3 字符",
            r"用时 [\d.]+ 秒，[\d.]+ 秒后",
            "以 stop 结束",
        ):
            await expect(facts).to_contain_text(re.compile(fact))
        await visitor.shoot("details")
        await page.keyboard.press("Escape")
        await _act(page, "user")
        await expect(facts).not_to_contain_text("用时")


async def test_versions_of_other_models_and_temperatures(visit: Visit, archive: Client) -> None:
    async with Upstream(models("small", "large"), reply("小"), reply("大"), reply("热")) as upstream:
        await archive.post("/chat/api-keys", {"model_url": upstream.url, "provider": "custom"})
        chat = await archive.conversation(title="温度", model_id="small", config={"temperature": 0.2})
        async with visit() as visitor:
            page = visitor.page
            await page.goto(f"{archive.origin}/c/{chat['uuid']}")
            await ask(page, "问")
            said, by = page.locator("article.assistant .prose"), page.locator("article.assistant .by")
            await expect(said).to_have_text("小")
            await _act(page, "assistant", "换个模型回答", "large")
            await expect(said).to_have_text("大")
            await page.locator("article.assistant .versions").wait_for()
            await _act(page, "assistant", "换个随机程度回答")
            await page.get_by_role("menuitem", name="大胆").wait_for()
            await visitor.shoot("temperatures")
            await page.get_by_role("menuitem", name="大胆").click()
            await expect(said).to_have_text("热")
            # Each version names the model that wrote it.
            for shown, model in (("热", "large"), ("大", "large"), ("小", "small")):
                await expect(said).to_have_text(shown)
                await expect(by).to_have_text(model)
                await page.locator("article.assistant .versions").press("ArrowLeft")
    asked = [call.json() for call in upstream.calls if call.method == "POST"]
    models_and_heat = [(body["model"], body["temperature"]) for body in asked]
    assert models_and_heat == [("small", 0.2), ("large", 0.2), ("large", 1.3)]


async def test_following_lets_go_and_comes_back(visit: Visit, archive: Client) -> None:
    words = "\n\n".join(f"第 {n} 段：{'字' * 60}" for n in range(120))
    chat = await archive.conversation(title="滚动", config={"offline": {"text": words, "rate": 1500}})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.get_by_role("textbox", name="消息").fill("说长一点")
        await page.keyboard.press("Enter")
        await expect(page.locator("article.assistant .prose")).to_contain_text("第 25 段")
        await page.locator(".scroller").hover()
        await page.mouse.wheel(0, -400)
        latest = page.get_by_role("button", name="回到最新")
        await expect(latest).to_be_visible()
        place = await page.locator(".scroller").evaluate("(e) => e.scrollTop")
        await page.locator('.chat[data-state="ready"]').wait_for()
        assert abs(await page.locator(".scroller").evaluate("(e) => e.scrollTop") - place) <= 2
        await latest.click()
        await expect(page.get_by_text("第 119 段")).to_be_in_viewport()
        await expect(latest).to_have_count(0)


async def test_what_was_not_sent_is_kept(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="没发出去", config={"offline": {"text": "到了。", "rate": 0}})
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.route("**/chat/messages/stream", lambda route: route.fulfill(status=503, body="{}"))
        field = page.get_by_role("textbox", name="消息")
        await field.fill("别弄丢")
        await page.keyboard.press("Enter")
        unsent = page.locator("article.user.unsent")
        await expect(unsent).to_contain_text("别弄丢")
        # Into the field again, below what is there by now; and sent once more, refused once more.
        await unsent.get_by_role("button", name="编辑").click()
        await expect(unsent).to_have_count(0)
        await expect(field).to_have_value("别弄丢")
        await page.keyboard.press("Enter")
        await field.fill("下一句")
        await page.unroute("**/chat/messages/stream")
        await unsent.get_by_role("button", name="重试").click()
        await expect(page.locator("article.assistant .prose")).to_have_text("到了。")
        await expect(page.locator("article.user")).to_have_count(1)
        await expect(field).to_have_value("下一句")
    assert [m["content"] for m in await archive.messages(chat["uuid"])] == ["别弄丢", "到了。"]


async def test_what_is_sent_without_a_network_waits_for_one(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="没网", config={"offline": {"text": "到了。", "rate": 0}})
    async with visit(cuts=True) as visitor:
        page = visitor.page
        await page.clock.install()
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator('.chat[data-state="ready"]').wait_for()
        await page.context.set_offline(True)
        await expect(page.get_by_text("网络已断开")).to_be_visible()
        await page.get_by_role("textbox", name="消息").fill("等一等")
        await page.keyboard.press("Enter")
        unsent = page.locator("article.user.unsent")
        # For a minute it is tried again and again.
        while not await unsent.count():
            await page.clock.run_for(5_000)
        await expect(unsent).to_contain_text("恢复后会自动发送")
        await visitor.shoot("waits-for-network")
        await page.context.set_offline(False)
        await expect(page.locator("article.assistant .prose")).to_have_text("到了。")
        await expect(page.locator("article.user")).to_have_count(1)
    assert [m["content"] for m in await archive.messages(chat["uuid"])] == ["等一等", "到了。"]


async def test_what_arrived_without_an_answer_is_not_asked_twice(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="没回音", config={"offline": {"text": "到了。", "rate": 0}})
    async with visit(cuts=True) as visitor:
        page = visitor.page
        attempts: list[APIResponse] = []

        async def lose_the_answer(route: Route) -> None:
            if not attempts:
                attempts.append(await route.fetch())
            await route.abort()

        await page.clock.install()
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator('.chat[data-state="ready"]').wait_for()
        await page.route("**/chat/messages/stream", lose_the_answer)
        await page.context.set_offline(True)
        await page.get_by_role("textbox", name="消息").fill("在吗")
        await page.keyboard.press("Enter")
        unsent = page.locator("article.user.unsent")
        while not await unsent.count():
            await page.clock.run_for(5_000)
        await page.unroute("**/chat/messages/stream")
        await page.context.set_offline(False)
        await expect(page.locator("article").locator(".bubble, .prose")).to_have_text(["在吗", "到了。"])
        await expect(unsent).to_have_count(0)
    assert [m["content"] for m in await archive.messages(chat["uuid"])] == ["在吗", "到了。"]


async def test_a_retry_finds_what_had_arrived_and_is_shown_already(visit: Visit, archive: Client) -> None:
    words = " ".join(map(str, range(1, 61)))
    chat = await archive.conversation(title="成双", config={"offline": {"tokens": 60, "rate": 10}})
    async with visit() as visitor:
        page = visitor.page
        arrived: list[asyncio.Task[APIResponse]] = []

        async def answer_otherwise(route: Route) -> None:
            arrived.append(asyncio.create_task(route.fetch()))
            await route.fulfill(status=503, body="{}")

        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.locator('.chat[data-state="ready"]').wait_for()
        await page.route("**/chat/messages/stream", answer_otherwise)
        await page.get_by_role("textbox", name="消息").fill("在吗")
        await page.keyboard.press("Enter")
        await page.locator("article.user.unsent").wait_for()
        await expect(page.locator("article.user")).to_have_count(2)
        await page.unroute("**/chat/messages/stream")
        await page.locator("article.user.unsent").get_by_role("button", name="重试").click()
        await expect(page.locator("article").locator(".bubble, .prose")).to_have_text(["在吗", words])
        await asyncio.gather(*arrived)
    assert [m["content"] for m in await archive.messages(chat["uuid"])] == ["在吗", words]


async def test_what_is_sent_while_the_messages_come_stays(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="慢", config={"offline": {"text": "到了。", "rate": 0}})
    await archive.say(chat["uuid"], "早先的")
    async with visit() as visitor:
        page = visitor.page
        released = asyncio.Event()

        async def hold(route: Route) -> None:
            await released.wait()
            await route.continue_()

        await page.route("**/messages?*", hold)
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.get_by_role("textbox", name="消息").fill("没等")
        await page.keyboard.press("Enter")
        await page.locator("article.user").wait_for()
        released.set()
        said = page.locator("article").locator(".bubble, .prose")
        await expect(said).to_have_text(["早先的", "好的。", "没等", "到了。"])


async def test_code_is_copied_and_saved_as_it_is(visit: Visit, archive: Client) -> None:
    code = "def f(x):\n\n\treturn '你好' + x  # <b>"
    chat = await archive.conversation(title="代码")
    text = f"看：\n\n```python\n{code}\n```\n"
    await archive.say(chat["uuid"], config={"offline": {"text": text, "rate": 0}})
    async with visit(permissions=["clipboard-read", "clipboard-write"]) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        block = page.locator(".code-block")
        await block.locator(".hljs-keyword").first.wait_for()
        await block.get_by_role("button", name="复制").click()
        assert await page.evaluate("navigator.clipboard.readText()") == code
        async with page.expect_download() as coming:
            await block.get_by_role("button", name="下载").click()
        saved = await coming.value
        assert saved.suggested_filename == "code.py"
        assert (await saved.path()).read_text("utf-8") == code


async def test_versions_are_compared_in_one_place(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="版本")
    for n in range(20):
        await archive.say(chat["uuid"], f"第 {n} 问", config={"offline": {"text": "字。" * 99, "rate": 0}})
    reply = (await archive.messages(chat["uuid"]))[21]["uuid"]
    for n in (2, 3):
        script = {"offline": {"text": f"第 {n} 版。" * 400, "rate": 0}}
        wanted = {"chat_id": chat["uuid"], "message_id": reply, "config": script}
        await archive.post("/chat/messages/regenerate", wanted)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}?m={reply}")
        article = page.locator("article", has=page.locator(".versions"))
        await expect(article.locator(".versions")).to_contain_text("1/3")
        await expect(page.locator("article")).to_have_count(40)
        before = (await article.bounding_box() or {})["y"]
        await article.hover()
        await article.get_by_role("button", name="下一个版本").click()
        await expect(article.locator(".versions")).to_contain_text("2/3")
        await page.keyboard.press("ArrowRight")
        await expect(article.locator(".prose")).to_contain_text("第 3 版")
        await page.keyboard.press("ArrowLeft")
        await expect(article.locator(".versions")).to_contain_text("2/3")
        await expect(article.locator(".prose")).to_contain_text("第 2 版")
        await page.keyboard.press("ArrowLeft")
        await expect(article.locator(".versions")).to_contain_text("1/3")
        assert abs((await article.bounding_box() or {})["y"] - before) <= 2
