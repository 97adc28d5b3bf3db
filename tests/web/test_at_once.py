"""What opens at a key takes what is typed next, however slowly the code of other parts comes."""

from playwright.async_api import Page, Route, expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit
from tests.web.test_budget import first_files


async def _slow(page: Page) -> None:
    """The page has what it needs to begin; every other script is on its way for ever."""
    here = first_files("src/pages/ChatPage.vue")

    async def hold(route: Route) -> None:
        if route.request.url.rpartition("/assets/")[2] in here:
            await route.continue_()

    await page.route("**/assets/*.js", hold)


async def test_what_is_typed_after_its_key_is_in_the_field(visit: Visit, archive: Client) -> None:
    chat = await archive.conversation(title="快")
    async with visit() as visitor:
        page = visitor.page
        await _slow(page)
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        composer = page.get_by_role("textbox", name="消息")
        await page.locator('.chat[data-state="ready"]').wait_for()
        for keys, field in (
            ("Control+k", ".palette input"),
            ("Control+Shift+m", ".palette.models input"),
            ("Control+f", ".find-bar input"),
        ):
            await composer.focus()
            await page.keyboard.press(keys)
            await page.keyboard.type("abc")
            await expect(page.locator(field).first).to_have_value("abc")
            # One Escape closes each of them, whatever was typed, and leads back to where one was.
            await page.keyboard.press("Escape")
            await expect(page.locator(field)).to_have_count(0)
            await expect(composer).to_be_focused()
        await expect(composer).to_have_value("")
