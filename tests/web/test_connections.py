"""Connections: added, tried, switched, removed; what was typed as a key is never seen again."""

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web
from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.fixtures.upstream import DONE, FINISH, delta
from tests.web.conftest import Visit

KEY = "sk-canary-0123456789abcd"
MODELS = [f"chat-{n}" for n in range(12)]


async def _models(request: web.Request) -> web.Response:
    if request.headers.get("Authorization") != f"Bearer {KEY}":
        return web.json_response({"error": {"message": "Incorrect API key provided"}}, status=401)
    return web.json_response({"data": [{"id": name} for name in MODELS]})


async def _reply(request: web.Request) -> web.Response:
    if request.headers.get("Authorization") != f"Bearer {KEY}":
        return web.json_response({"error": {"message": "Incorrect API key provided"}}, status=401)
    return web.Response(body=delta("你好") + FINISH + DONE, content_type="text/event-stream")


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[str]:
    """The address of a provider that wants `KEY`."""
    app = web.Application()
    app.router.add_get("/v1/models", _models)
    app.router.add_post("/v1/chat/completions", _reply)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def test_what_is_wrong_is_said_where_it_is(visit: Visit, archive: Client, provider: str) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings/connections")
        await expect(page.get_by_role("heading", name="还没有连接模型")).to_be_visible()
        await visitor.shoot("connections-empty")
        await page.get_by_role("button", name="添加连接").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_text("其他（兼容 OpenAI）").click()
        await dialog.get_by_label("API 密钥").fill("sk-wrong-key-0000000")
        await dialog.get_by_label("地址").fill("ftp://nowhere")
        await dialog.get_by_role("button", name="保存").click()
        await expect(dialog.locator(".field .wrong")).to_be_visible()
        await dialog.get_by_label("地址").fill(provider)
        await dialog.get_by_role("button", name="测试").click()
        await expect(dialog.get_by_role("status")).to_contain_text("密钥")
        await visitor.shoot("connections-dialog")


async def test_what_a_connection_offers(visit: Visit, archive: Client, provider: str) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings/connections")
        await page.get_by_role("button", name="添加连接").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_text("其他（兼容 OpenAI）").click()
        await dialog.get_by_label("地址").fill(provider)
        await dialog.get_by_label("API 密钥").fill(KEY)
        await dialog.get_by_role("button", name="保存").click()
        card = page.locator(".connection")
        await expect(card.get_by_role("status")).to_contain_text("chat-0 已作答，用时")
        await expect(card.get_by_text("提供 12 个模型")).to_be_visible()
        await card.get_by_role("button", name="全部显示").click()
        await expect(card.get_by_text("chat-11")).to_be_visible()
        await visitor.shoot("connections")
        assert KEY not in await page.content()
        await page.goto(archive.origin)
        await page.get_by_role("button", name="模型：").click()
        await expect(page.get_by_role("button", name="chat-11", exact=True)).to_be_visible()


async def test_a_model_is_found_marked_and_chosen_by_keys(
    visit: Visit, archive: Client, provider: str
) -> None:
    config = {"capabilities": ["chat", "vision", "tools"], "context_length": 128_000}
    given = {"provider": "deepseek", "model_url": provider, "api_key": KEY, "config": config}
    await archive.post("/chat/api-keys", given)
    async with visit() as visitor:
        page = visitor.page
        palette = page.get_by_role("dialog", name="选择模型")
        await page.goto(archive.origin)
        await page.get_by_role("textbox", name="消息").press("Control+Shift+M")
        await palette.get_by_role("textbox").fill("deep 11")
        await expect(palette.locator(".model-row")).to_have_count(1)
        await expect(palette.locator(".badges small")).to_have_text(["看图", "工具", "12.8万 token"])
        await palette.get_by_role("button", name="常用：chat-11").click()
        await expect(palette.get_by_role("heading")).to_have_text("常用")
        await palette.get_by_role("textbox").fill("")
        await visitor.shoot("models")
        await palette.get_by_role("textbox").press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(palette).to_have_count(0)
        await expect(page.get_by_role("button", name="模型：chat-11")).to_be_visible()
        await expect(page.get_by_role("textbox", name="消息")).to_be_focused()
        await page.reload()
        await page.get_by_role("button", name="模型：").click()
        await expect(palette.locator(".model-name").first).to_contain_text("chat-11")
        await page.keyboard.press("Escape")
        await expect(palette).to_have_count(0)


async def test_changing_keeps_the_key(visit: Visit, archive: Client, provider: str) -> None:
    new = {"provider": "deepseek", "model_url": provider, "api_key": KEY, "model_name": "old"}
    stored = (await archive.post("/chat/api-keys", new)).data
    path = f"/chat/api-keys/{stored['id']}"
    async with visit(locale="en-US", color_scheme="dark", viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings/connections")
        await page.get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("API key")).to_have_value("")
        await expect(dialog.get_by_text("sk-…abcd is stored")).to_be_visible()
        await dialog.get_by_label("Model").fill("chat-3")
        await dialog.get_by_role("button", name="Test").click()
        await expect(dialog.get_by_role("status")).to_contain_text("chat-3 answered in")
        await visitor.shoot("connections-dialog-phone")
        await dialog.get_by_role("button", name="Save").click()
        await expect(page.locator(".connection dd").first).to_have_text("chat-3")
        await page.get_by_role("switch", name="DeepSeek is used").click()
        await expect(page.get_by_role("button", name="Test")).to_be_disabled()
        changed = (await archive.get(path)).data
        assert (changed["status"], changed["api_key"]) == ("inactive", "sk-…abcd")
        await page.get_by_role("button", name="Delete DeepSeek").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_role("heading", name="No model is connected yet")).to_be_visible()
    assert (await archive.get(path)).status == 404


@pytest_asyncio.fixture(loop_scope="session")
async def unanswered(archive: Client, provider: str) -> str:
    """A conversation whose model nobody lists; one connection answers, one has a wrong key, one is off."""
    given = {"provider": "custom", "model_url": provider, "api_key": KEY}
    await archive.post("/chat/api-keys", given | {"model_name": "chat-3"})
    await archive.post("/chat/api-keys", given | {"api_key": "sk-wrong-key-0000000", "model_name": "locked"})
    await archive.post("/chat/api-keys", given | {"status": "inactive", "model_name": "resting"})
    return str((await archive.post("/chat/conversations", {"model_id": "vanished"})).data["uuid"])


async def test_a_model_that_cannot_answer_stays_in_its_place_and_says_why(
    visit: Visit, archive: Client, unanswered: str
) -> None:
    async with visit() as visitor:
        page = visitor.page
        palette = page.get_by_role("dialog", name="选择模型")
        await page.goto(f"{archive.origin}/c/{unanswered}")
        await page.get_by_role("textbox", name="消息").press("Control+Shift+M")
        gone = palette.get_by_role("button", name="vanished 没有连接再列出这个模型")
        locked = palette.get_by_role("button", name="locked API 密钥被拒绝")
        resting = palette.get_by_role("button", name="resting 连接已停用")
        await expect(gone).to_have_attribute("aria-current", "true")
        for row in (gone, locked, resting):
            await expect(row).to_have_attribute("aria-disabled", "true")
        well = palette.get_by_role("button", name="chat-3", exact=True)
        await expect(well).not_to_have_attribute("aria-disabled", "true")
        await visitor.shoot("models-unavailable")
        await palette.get_by_role("textbox").fill("locked")
        await expect(palette.locator(".model-row")).to_have_count(1)
        await page.keyboard.press("Enter")
        await page.keyboard.press("ArrowDown")
        await expect(locked).to_be_focused()
        await page.keyboard.press("Enter")
        await locked.click(force=True)
        await expect(palette).to_be_visible()
    assert (await archive.get(f"/chat/conversations/{unanswered}")).data["model_id"] == "vanished"


async def test_menus_and_settings_offer_models_as_the_palette_does(
    visit: Visit, archive: Client, unanswered: str
) -> None:
    asked = {"chat_id": unanswered, "content": "问", "model_id": "chat-3"}
    await archive.post("/chat/messages", asked)
    await archive.put("/chat/settings", {"default_model_id": "locked"})
    reasons = {"locked": "API 密钥被拒绝", "resting": "连接已停用"}
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{unanswered}")
        await page.get_by_role("button", name="更多").last.click()
        async with page.expect_response("**/chat/models/available**"):
            await page.get_by_role("menuitem", name="换个模型回答").click()
        for model, why in reasons.items():
            row = page.get_by_role("menuitem", name=f"{model} {why}")
            await expect(row).to_have_attribute("aria-disabled", "true")
        await visitor.shoot("menu-unavailable")
        await page.get_by_role("menuitem", name="chat-3").click()
        await expect(page.get_by_text("2/2")).to_be_visible()
        field = page.get_by_role("combobox", name="模型")
        for path in ("/prompts/new", "/settings/models"):
            await page.goto(archive.origin + path)
            options = field.get_by_role("option", disabled=True)
            await expect(options).to_have_text([f"{model} · {why}" for model, why in reasons.items()])
            await expect(field.get_by_role("option", name="chat-3")).to_be_enabled()
        await expect(field.locator(":checked")).to_have_text(f"locked · {reasons['locked']}")


async def test_enter_takes_the_first_model_that_can_answer(
    visit: Visit, archive: Client, unanswered: str
) -> None:
    await archive.put("/chat/settings", {"preferences": {"favorite_models": ["locked"]}})
    async with visit() as visitor:
        page = visitor.page
        palette = page.get_by_role("dialog", name="选择模型")
        await page.goto(f"{archive.origin}/c/{unanswered}")
        await page.get_by_role("textbox", name="消息").press("Control+Shift+M")
        await expect(palette.locator(".model-name").nth(1)).to_contain_text("locked")
        await expect(palette.locator(".model-name").nth(2)).to_contain_text("chat-0")
        await page.keyboard.press("Enter")
        await expect(palette).to_have_count(0)
        await expect(page.get_by_role("button", name="模型：chat-0")).to_be_visible()
