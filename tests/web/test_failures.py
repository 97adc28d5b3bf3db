"""What a page offers where a provider refuses, and what it says before one does."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page, expect

from tests.files.documents import PNG
from tests.fixtures.client import Client
from tests.fixtures.upstream import Script, Upstream, answer, models, reply
from tests.web.browser import SCREENSHOTS, ask_small
from tests.web.conftest import Visit


@asynccontextmanager
async def _asked(
    visit: Visit, archive: Client, *scripts: Script, turns: int = 0
) -> AsyncIterator[tuple[Page, Locator, Upstream]]:
    """A page where `small` was asked, the failure on it, and who answers."""
    async with visit() as visitor, ask_small(archive, visitor.page, *scripts, turns=turns) as upstream:
        yield visitor.page, visitor.page.locator("article.assistant .failure"), upstream


async def test_a_limit_of_rate_counts_down(visit: Visit, archive: Client) -> None:
    refusal = answer(429, {"error": {"message": "slow down"}}, Retry_After="9")
    async with _asked(visit, archive, refusal, reply("好了")) as (page, failure, _):
        waiting = failure.get_by_role("button", name=re.compile(r"^\d 秒后可重试$"))
        await expect(waiting).to_be_disabled()
        await page.reload()
        await expect(waiting).to_be_disabled()
        await failure.get_by_role("button", name="重试", exact=True).click()
        await expect(page.locator("article.assistant .prose")).to_have_text("好了")


async def test_a_refused_key_leads_to_it(visit: Visit, archive: Client) -> None:
    refusal = answer(401, {"error": {"message": "wrong key"}})
    async with _asked(visit, archive, refusal) as (page, failure, _):
        await failure.get_by_role("link", name="检查模型连接").click()
        key = page.get_by_role("dialog").get_by_label("API 密钥")
        await expect(key).to_be_visible()
        assert await key.get_attribute("type") == "password"


async def test_the_details_of_a_failure_stay(visit: Visit, archive: Client) -> None:
    words = "no access to project 7 with sk-0123456789abcdef"
    refusal = answer(403, {"error": {"message": words}})
    async with _asked(visit, archive, refusal) as (page, failure, _):
        details = failure.locator("dl")
        await expect(failure).to_be_visible()
        await expect(details).to_have_count(0)
        await page.reload()
        await failure.get_by_role("button", name="详情").click()
        await expect(details).to_contain_text("HTTP 403: no access to project 7 with [redacted]")
        uuid = await page.locator("article.assistant").get_attribute("data-uuid")
        for fact in ("127.0.0.1", "small", "provider_unauthorized", uuid or "?"):
            await expect(details).to_contain_text(fact)
        SCREENSHOTS.mkdir(exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / "failure-details.png")
        await failure.get_by_role("button", name="详情").click()
        await expect(details).to_have_count(0)


async def test_what_is_too_long_is_asked_again_with_less(visit: Visit, archive: Client) -> None:
    refusal = answer(400, {"error": {"message": "too long", "code": "context_length_exceeded"}})
    scripts = [*[reply("答")] * 4, refusal, reply("短多了")]
    async with _asked(visit, archive, *scripts, turns=4) as (page, failure, upstream):
        await failure.get_by_role("button", name="只带最近 4 条消息重试").click()
        await expect(page.locator("article.assistant .prose").last).to_have_text("短多了")
        sent = [[said["content"] for said in call.json()["messages"]] for call in upstream.calls[-2:]]
    assert len(sent[0]) > len(sent[1]) == 5
    assert sent[1][-1] == "问"


async def test_what_a_model_does_not_see_or_cannot_read_is_said_before(visit: Visit, archive: Client) -> None:
    async with Upstream(models("small")) as upstream:
        config = {"capabilities": ["chat"], "context_length": 1000}
        made = {"model_url": upstream.url, "provider": "custom", "config": config}
        await archive.post("/chat/api-keys", made)
        chat = await archive.conversation(title="预先", model_id="small")
        said = {"offline": {"text": "字" * 500, "rate": 0}}
        await archive.post(
            "/chat/messages",
            {"chat_id": chat["uuid"], "content": "问", "model_id": "offline", "config": said},
        )
        async with visit() as visitor:
            page = visitor.page
            await page.goto(f"{archive.origin}/c/{chat['uuid']}")
            notes = page.locator(".composer .notes")
            await expect(notes).to_have_text("")
            picture = {"name": "图.png", "mimeType": "image/png", "buffer": PNG}
            await page.locator(".composer input[type=file]").set_input_files(picture)
            await expect(notes).to_contain_text("small 可能看不到图片")
            await page.get_by_role("textbox", name="消息").fill("字" * 350)
            await expect(notes).to_contain_text("快到 small 的上限（1,000）了")
            await page.get_by_role("textbox", name="消息").fill("字" * 600)
            await expect(notes).to_contain_text("超出了 small 的上限（1,000）")
            await visitor.shoot("notes")
