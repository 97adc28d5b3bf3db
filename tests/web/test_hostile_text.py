"""No text runs, fetches or becomes an element of its own, wherever it is shown."""

from playwright.async_api import Page, expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit
from tests.web.vectors import diagrams, vectors

_TAGS = ("script", "iframe", "object", "embed", "style", "link", "video", "audio", "base", "meta")
_FORBIDDEN = ", ".join(f"#app {name}" for name in (*_TAGS, "form:not(.composer)"))
_NOTHING_OF_IT = """(forbidden) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const ours = ({ src }) => new URL(src).origin === location.origin || src.startsWith("data:image/");
  return {
    hacked: window.hacked ?? null,
    elements: all(forbidden).length,
    attributes: all("#app *").flatMap((e) => e.getAttributeNames()).filter((name) => name.startsWith("on")),
    links: all("#app a[href]").map((a) => a.protocol).filter((p) => !/^(https?|mailto|tel):$/.test(p)),
    images: all("#app img").filter((image) => !ours(image)).length,
  };
}"""
_PASTE_FILE = """(area, name) => {
  const data = new DataTransfer();
  data.items.add(new File(["a"], name));
  area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
}"""
_CLEAN = {"hacked": None, "elements": 0, "attributes": [], "links": [], "images": 0}


async def _settled(page: Page) -> None:
    await page.locator('.chat[data-state="ready"]').wait_for()
    assert await page.evaluate(_NOTHING_OF_IT, _FORBIDDEN) == _CLEAN


async def test_five_hundred_texts_do_nothing(visit: Visit, archive: Client) -> None:
    texts = list(vectors())
    assert len(texts) >= 500
    async with visit() as visitor:
        page = visitor.page
        for start in range(0, len(texts), 140):
            chat = await archive.conversation(
                title=texts[start], config=_saying("\n\n".join(texts[start : start + 140]))
            )
            await archive.post("/chat/messages", {"chat_id": chat["uuid"], "content": texts[start]})
            await page.goto(f"{archive.origin}/c/{chat['uuid']}")
            await _settled(page)


async def test_texts_that_come_byte_by_byte_do_nothing(visit: Visit, archive: Client) -> None:
    async with visit() as visitor:
        page = visitor.page
        chat = await archive.conversation(config=_saying("\n\n".join(list(vectors())[::7]), rate=4000))
        await archive.post("/chat/groups", {"name": "<img src=x onerror=hacked=1>"})
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await page.get_by_role("textbox", name="消息").fill("<img src=x onerror=hacked=1>")
        await page.keyboard.press("Enter")
        await expect(page.locator("article.assistant .prose")).to_be_visible()
        await _settled(page)


def _saying(text: str, rate: int = 0) -> dict[str, object]:
    return {"offline": {"text": text, "rate": rate}}


async def test_names_and_passages_that_are_found_do_nothing(visit: Visit, archive: Client) -> None:
    texts = list(vectors())
    name = "<img src=x onerror=hacked=1>"
    group = (await archive.post("/chat/groups", {"name": name})).data
    chat = await archive.conversation(title=name, group_id=group["id"])
    for start in range(0, len(texts), 60):
        await archive.say(chat["uuid"], texts[start], config=_saying("\n\n".join(texts[start : start + 60])))
    async with visit() as visitor:
        page = visitor.page
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await _settled(page)
        await page.keyboard.press("Control+k")
        await page.get_by_role("combobox", name="搜索").fill("hacked")
        await expect(page.locator("#found mark").first).to_be_visible()
        assert await page.locator("#found li").count() >= 10
        await _settled(page)
        await page.keyboard.press("Escape")
        await page.get_by_role("textbox", name="消息").evaluate(_PASTE_FILE, name)
        await expect(page.get_by_role("list", name="附件")).to_contain_text(name)
        await _settled(page)


async def test_sources_of_diagrams_do_nothing(visit: Visit, archive: Client) -> None:
    sources = list(diagrams())
    said = "\n\n".join(f"```mermaid\n{source}\n```" for source in sources)
    chat = await archive.conversation(config=_saying(said))
    await archive.post("/chat/messages", {"chat_id": chat["uuid"], "content": "画"})
    async with visit() as visitor:
        page = visitor.page
        reached: dict[str, str | None] = {}
        refusing: list[str] = []
        page.on("requestfailed", lambda request: reached.update({request.url: request.failure}))
        page.on("console", lambda line: line.type == "error" and refusing.append(line.location["url"]))
        await page.goto(f"{archive.origin}/c/{chat['uuid']}")
        await expect(page.locator(".diagram")).to_have_count(len(sources))
        for place in range(len(sources)):
            await page.locator(".diagram").nth(place).scroll_into_view_if_needed()
        await expect(page.locator('.diagram[data-state="waiting"]')).to_have_count(0)
        assert await page.locator('.diagram[data-state="drawn"]').count() >= len(sources) // 3
        await _settled(page)
        # Mermaid tried, in its frame; the policy of the frame let nothing happen.
        assert {reached[url] for url in visitor.foreign} <= {"csp"}
        assert all("/diagram.html" in url or "/mermaid.tiny" in url for url in refusing)
        assert all("Content Security Policy" in said for said in visitor.complaints)
        assert [await frame.evaluate("window.hacked ?? null") for frame in page.frames] == [None, None]
        visitor.foreign.clear()
        visitor.complaints.clear()
