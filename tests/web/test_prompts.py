"""Prompts: written, tried, found again; nothing typed is lost by leaving."""

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit


async def test_writing_a_prompt(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await page.get_by_role("link", name="提示词").click()
        await expect(page.get_by_role("heading", name="还没有提示词")).to_be_visible()
        await page.get_by_role("button", name="新建提示词").click()
        await page.get_by_label("标题").fill("翻译 Translate")
        await page.get_by_label("提示词", exact=True).fill("译成{{语言}}，语气{{ tone }}，{{1}} 不变")
        await expect(page.locator(".variables label")).to_have_text(["语言", "tone"])
        preview = page.get_by_role("region", name="预览")
        await expect(preview.locator("mark.open")).to_have_text(["{{语言}}", "{{ tone }}"])
        await page.get_by_label("语言").fill("英语 <b>")
        await expect(preview).to_have_text("译成英语 <b>，语气{{ tone }}，{{1}} 不变")
        await page.get_by_label("标签").fill("写作，translate")
        await visitor.shoot("prompt")
        await page.get_by_label("试一试").fill("早上好")
        await page.get_by_role("button", name="试用").click()
        await expect(page.locator(".tried")).to_contain_text("offline")
        await page.get_by_role("button", name="保存").click()
        await expect(page.locator(".prompt")).to_have_count(1)
        await visitor.shoot("prompts")
    [stored] = (await archive.get("/chat/prompts/list")).data["items"]
    assert stored["variables"] == {"语言": "英语 <b>", "tone": None}
    assert (stored["tags"], stored["placeholders"]) == (["写作", "translate"], ["语言", "tone"])


async def test_leaving_asks_first(visit: Visit, archive: Client) -> None:
    variables = [{"name": "a", "default": "1", "label": "A"}]
    new = {"title": "old", "content": "say {{a}}", "variables": variables}
    stored = (await archive.post("/chat/prompts", new)).data
    async with visit(locale="en-US", color_scheme="dark", viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/prompts/{stored['id']}")
        await expect(page.get_by_label("a", exact=True)).to_have_value("1")
        await expect(page.get_by_role("button", name="Save")).to_be_disabled()
        await page.get_by_label("a", exact=True).fill("2")
        await page.get_by_role("link", name="Cancel").click()
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        await expect(page.get_by_label("a", exact=True)).to_have_value("2")
        await page.get_by_label("Title").fill("")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("A title is needed")).to_be_visible()
        await page.get_by_label("Title").fill("new")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("link", name="new", exact=True)).to_be_visible()
        await visitor.shoot("prompts-phone-dark")
    changed = (await archive.get(f"/chat/prompts/{stored['id']}")).data
    assert changed["variables"] == {"a": {"name": "a", "default": "2", "label": "A"}}


async def test_finding_copying_and_deleting(visit: Visit, archive: Client) -> None:
    for n in range(31):
        category, tag = ("code", "甲") if n == 7 else ("other", "乙")
        await archive.post(
            "/chat/prompts", {"title": f"提示 {n}", "content": "x", "tags": [tag], "category": category}
        )
    async with visit() as visitor:
        page = visitor.page
        cards = page.locator(".prompt")
        await page.goto(f"{archive.origin}/prompts")
        await expect(cards).to_have_count(30)
        await page.get_by_role("button", name="再显示").click()
        await expect(cards).to_have_count(31)
        await page.get_by_label("类别").select_option("code")
        await expect(cards).to_have_count(1)
        await page.get_by_role("button", name="乙", exact=True).click()
        await expect(page.get_by_role("heading", name="没有符合的提示词")).to_be_visible()
        await page.get_by_role("button", name="清除筛选").click()
        await page.get_by_role("searchbox").fill("提示 7")
        await expect(cards).to_have_count(1)
        await page.get_by_role("button", name="“提示 7”的操作").click()
        await page.get_by_role("menuitem", name="复制一份").click()
        await expect(cards).to_have_count(2)
        await page.get_by_role("button", name="“提示 7”的操作").click()
        await page.get_by_role("menuitem", name="删除").click()
        await page.get_by_role("dialog").get_by_role("button", name="删除").click()
        await expect(cards).to_have_count(1)
    assert (await archive.get("/chat/prompts/list")).data["total"] == 31
