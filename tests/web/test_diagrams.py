"""Diagrams: drawn when their source is complete, in a frame that reaches nothing."""

import asyncio

from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.fixtures.upstream import Act, delta, head
from tests.web.browser import ask_anew, ask_small
from tests.web.conftest import Visit

_SOURCE = "graph TD\n  accTitle: 从水到茶\n  A[烧水] --> B{开了吗？}\n  B -->|是| C[泡茶]\n  B -->|没有| A"


async def test_a_diagram_is_drawn_once_its_fence_is_closed(visit: Visit, archive: Client) -> None:
    closed = asyncio.Event()
    begun = delta(f"先看：\n\n```mermaid\n{_SOURCE}")
    slowly = [head() + begun, closed, delta("\n```\n\n后面还有话。"), Act.HOLD]
    async with visit() as visitor, ask_small(archive, page := visitor.page, slowly):
        await expect(page.locator("article.assistant .code-block code")).to_contain_text("没有")
        assert await page.locator(".diagram").count() == 0
        closed.set()
        picture = page.get_by_role("img", name="从水到茶")
        await expect(picture).to_be_visible()
        await expect(page.locator('.chat[data-state="streaming"]')).to_be_visible()
        size = await picture.evaluate(
            "(e) => [e.complete && e.naturalWidth, e.getBoundingClientRect().height]"
        )
        assert min(size) > 100
        await page.get_by_role("button", name="停止生成").click()
        await visitor.shoot("diagram")
        await page.get_by_role("button", name="看源码").click()
        await expect(page.locator("article.assistant .code-block code")).to_contain_text("accTitle: 从水到茶")
        await page.get_by_role("button", name="看图").click()
        await expect(picture).to_be_visible()
        # In the other theme it is another picture.
        before = await picture.get_attribute("src")
        await page.emulate_media(color_scheme="dark")
        await expect(picture).not_to_have_attribute("src", before or "")
        await visitor.shoot("diagram-dark")


async def test_what_cannot_be_drawn_stays_a_source_with_a_note(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await ask_anew(
            archive, page, "画一张图", text="```mermaid\ngraph TD\n  A[没有关上 --> B\n```", rate=0
        )
        await expect(page.locator(".diagram .note")).to_contain_text("这段图表画不出来")
        await expect(page.locator(".diagram code")).to_contain_text("没有关上")
        await visitor.shoot("diagram-wrong")


async def test_who_draws_has_no_origin_and_no_network(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        await ask_anew(archive, page, "画一张图", text=f"```mermaid\n{_SOURCE}\n```", rate=0)
        await expect(page.locator(".diagram img")).to_be_visible()
        [frame] = [frame for frame in page.frames if frame.url.endswith("/diagram.html")]
        assert await frame.evaluate("self.origin") == "null"
        tried = "fetch('/chat/settings').then(() => 'reached', (error) => error.name)"
        assert await frame.evaluate(tried) == "TypeError"
        assert (
            await frame.evaluate(
                "(() => { try { return parent.document.title } catch (e) { return e.name } })()"
            )
            == "SecurityError"
        )
        visitor.complaints.clear()
    async with archive.session.get(f"{archive.origin}/diagram.html") as response:
        policy = response.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; script-src 'self';")
    async with archive.session.get(f"{archive.origin}/", headers={"Accept": "text/html"}) as response:
        policy = response.headers["content-security-policy"]
    assert "script-src 'self'; style-src 'self';" in policy
