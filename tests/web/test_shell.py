"""The client as an app: it starts without a network, keeps nothing that was said, and says when it is old."""

from pathlib import Path

from playwright.async_api import Page, expect

from duihua.http import web_client
from tests.fixtures.client import Client
from tests.web.conftest import Visit

_CONTROLLED = "() => navigator.serviceWorker.controller !== null"
_KEPT = """async () => (await Promise.all((await caches.keys()).map(async (name) =>
  (await (await caches.open(name)).keys()).map((each) => new URL(each.url).pathname)))).flat()"""


async def _controlled(page: Page, address: str) -> None:
    await page.goto(address)
    await page.wait_for_function(_CONTROLLED)


async def test_it_starts_without_a_network_and_keeps_no_words(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="离线")
    async with visit(service_workers="allow", cuts=True) as visitor:
        page = visitor.page
        await _controlled(page, f"{archive.origin}/c/{chat['uuid']}")
        await page.get_by_role("textbox", name="消息").fill("在吗")
        await page.keyboard.press("Enter")
        await page.locator("article.assistant.complete").wait_for()
        await page.goto(f"{archive.origin}/docs")
        kept = await page.evaluate(_KEPT)
        assert "/" in kept
        assert [path for path in kept if path.startswith(("/chat", "/docs", "/c/"))] == []
        await page.context.set_offline(True)
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await expect(page.get_by_text("网络已断开")).to_be_visible()
        await visitor.shoot("offline")
        await page.context.set_offline(False)
        await expect(page.get_by_text("网络已断开")).to_have_count(0)


async def test_a_stream_goes_past_it_as_it_comes(visit: Visit, archive: Client) -> None:
    slowly = {"offline": {"text": "慢慢说话 " * 40, "rate": 20}}
    chat = await archive.conversation(title="慢", config=slowly)
    async with visit(service_workers="allow") as visitor:
        page = visitor.page
        await _controlled(page, f"{archive.origin}/c/{chat['uuid']}")
        await page.get_by_role("textbox", name="消息").fill("在吗")
        await page.keyboard.press("Enter")
        await expect(page.locator("article.assistant.streaming")).to_contain_text("慢慢")
        await page.get_by_role("button", name="停止").click()
        await page.locator("article.assistant.cancelled").wait_for()


async def test_a_newer_client_is_offered(visit: Visit, archive: Client, tmp_path: Path) -> None:
    newer = tmp_path / "sw.js"
    newer.write_bytes((web_client.BUILT / "sw.js").read_bytes() + b"// newer")
    async with visit(service_workers="allow") as visitor:
        page = visitor.page
        await _controlled(page, archive.origin)
        archive.app.router.default._files["/sw.js"] = newer
        await page.evaluate("async () => (await navigator.serviceWorker.getRegistration()).update()")
        await expect(page.get_by_text("有更新的版本")).to_be_visible()
        await page.evaluate("() => (window.before = true)")
        await page.get_by_role("button", name="重新载入").click()
        await page.wait_for_function("() => !window.before")
        await expect(page.get_by_text("有更新的版本")).to_have_count(0)


async def test_a_part_that_is_gone_offers_a_reload(visit: Visit, archive: Client) -> None:
    async with visit(cuts=True) as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await page.route("**/assets/StatisticsPage*", lambda route: route.fulfill(status=404))
        await page.get_by_role("link", name="统计").click()
        # Once it takes the new page by itself.
        await page.wait_for_url("**/statistics")
        await expect(page.get_by_text("有更新的版本")).to_be_visible()
        await page.unroute("**/assets/StatisticsPage*")
        await page.get_by_role("button", name="重新载入").click()
        await expect(page.get_by_role("heading", name="统计")).to_be_visible()
        visitor.complaints.clear()
