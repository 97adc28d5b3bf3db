"""Settings: seen at once, kept by the server, put back where it refuses."""

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit


async def test_theme_language_and_time_zone(visit: Visit, archive: Client) -> None:
    async with visit(timezone_id="Asia/Shanghai") as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await page.get_by_role("link", name="设置").click()
        await expect(page).to_have_title("设置 · Duihua")
        await page.get_by_text("深色").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.get_by_role("button", name="使用本机时区").click()
        await expect(page.get_by_label("时区")).to_have_value("Asia/Shanghai")
        await page.get_by_text("English", exact=True).click()
        await expect(page.get_by_role("heading", name="Appearance")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("radio", name="Dark")).to_be_checked()
        await expect(page.get_by_label("Time zone")).to_have_value("Asia/Shanghai")
        await visitor.shoot("settings-dark")
    decided = (await archive.get("/chat/settings")).data
    assert (decided["theme"], decided["language"], decided["timezone"]) == ("dark", "en", "Asia/Shanghai")


async def test_what_is_refused_is_put_back(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings")
        await expect(page.get_by_role("radio", name="跟随系统")).to_be_checked()
        await page.route("**/chat/settings", lambda route: route.fulfill(status=503))
        await page.get_by_text("深色").click()
        await expect(page.locator(".toast.error")).to_be_visible()
        await expect(page.get_by_role("radio", name="跟随系统")).to_be_checked()


async def test_generation_settings_keep_what_others_stored(visit: Visit, archive: Client) -> None:
    await archive.put("/chat/settings", {"default_config": {"seed": 7, "top_p": 0.5}})
    async with visit(viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/settings/models")
        await expect(page.get_by_role("spinbutton", name="Top P")).to_have_value("0.5")
        await expect(page.get_by_role("button", name="保存")).to_be_disabled()
        await page.get_by_role("spinbutton", name="Top P").fill("")
        await page.get_by_role("slider", name="温度").fill("0.3")
        await page.get_by_label("系统提示词").fill("请用中文回答。")
        await page.get_by_label("默认模型").select_option(index=1)
        await page.get_by_role("button", name="保存").click()
        await expect(page.get_by_text("已保存")).to_be_visible()
        await visitor.shoot("settings-models-phone")
    decided = (await archive.get("/chat/settings")).data
    wanted = {"seed": 7, "temperature": 0.3, "system_prompt": "请用中文回答。"}
    assert decided["default_config"] == wanted
    made = await archive.conversation()
    assert (made["config"], made["model_id"]) == (wanted, decided["default_model_id"])


async def test_drafts_are_kept_only_where_wanted(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        draft = page.get_by_role("textbox", name="消息")
        await page.goto(archive.origin)
        await draft.fill("还没写完")
        await page.goto(f"{archive.origin}/settings/data")
        async with page.expect_response(lambda response: response.request.method == "PUT"):
            await page.get_by_role("switch", name="保留草稿").click()
        await expect(page.get_by_role("switch", name="保留草稿")).not_to_be_checked()
        await page.goto(archive.origin)
        await expect(draft).to_have_value("")
        await draft.fill("也不要留")
        await page.reload()
        await expect(draft).to_have_value("")


async def test_one_conversation_is_asked_in_its_own_way(visit: Visit, archive: Client) -> None:
    await archive.put("/chat/settings", {"default_config": {"temperature": 0.4, "max_tokens": 99}})
    chat = await archive.conversation(title="自己的", config={"temperature": 1, "seed": 7})

    async def config() -> object:
        return (await archive.get(f"/chat/conversations/{chat['uuid']}")).data["config"]

    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.get_by_role("button", name="这个对话的设置").click()
        dialog = page.get_by_role("dialog", name="这个对话的设置")
        heat = dialog.get_by_role("spinbutton", name="温度")
        await expect(heat).to_have_value("1")
        await heat.fill("1.5")
        await dialog.get_by_label("系统提示词").fill("只说一句。")
        await visitor.shoot("chat-settings")
        await dialog.get_by_role("button", name="保存").click()
        await expect(dialog).to_have_count(0)
        # What another program keeps there stays.
        others = {"max_tokens": 99, "seed": 7}
        assert await config() == others | {"temperature": 1.5, "system_prompt": "只说一句。"}
        await page.reload()
        await page.get_by_role("button", name="这个对话的设置").click()
        await expect(heat).to_have_value("1.5")
        await dialog.get_by_role("button", name="恢复默认").click()
        await expect(heat).to_have_value("0.4")
        await dialog.get_by_role("button", name="保存").click()
        await expect(dialog).to_have_count(0)
    assert await config() == others | {"temperature": 0.4}
