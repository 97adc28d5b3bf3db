"""Large archives: a conversation of two thousand messages; ten thousand conversations."""

import time

from playwright.async_api import Page, expect
from sqlalchemy import insert

from duihua.core.ids import new_uuid
from duihua.db.session import Session
from duihua.models import Conversation, Message
from duihua.models.user import LOCAL_USER_ID
from tests.fixtures.client import Client
from tests.fixtures.rows import MOMENT, default_group_id
from tests.web.conftest import Visit

CHATS, MESSAGES = 10_000, 2_000
# Wall time on a machine that other tests fill; `make bench-web` measures on a quiet one, against 500 ms.
OPEN_MS = 2_000
_REPLY = "第 {n} 条回复：**重点。**后面 `code`。\n\n- 一项\n- two\n\n```python\nprint({n})\n```"


def add_chats(session: Session, count: int) -> None:
    """So many conversations, the newest the last."""
    moments = {"created_at": MOMENT, "updated_at": MOMENT}
    common = {"user_id": LOCAL_USER_ID, "group_id": default_group_id(session), "config": {}, **moments}
    rows = [common | {"id": n, "uuid": new_uuid(), "title": f"对话 {n} chat"} for n in range(1, count + 1)]
    session.execute(insert(Conversation), rows)


def add_long(session: Session) -> str:
    """A conversation of many messages; its uuid."""
    add_chats(session, 1)
    moments = {"created_at": MOMENT, "updated_at": MOMENT}
    messages = [
        {
            **{"id": n, "uuid": new_uuid(), "user_id": LOCAL_USER_ID, "conversation_id": 1, **moments},
            **{"parent_id": n - 1 or None, "depth": n - 1, "on_branch": True},
            "role": "user" if n % 2 else "assistant",
            "content": f"第 {n} 个问题" if n % 2 else _REPLY.format(n=n),
        }
        for n in range(1, MESSAGES + 1)
    ]
    session.execute(insert(Message), messages)
    big = session.get_one(Conversation, 1)
    big.active_leaf_id, big.message_count = MESSAGES, MESSAGES
    return big.uuid


async def _wheel(page: Page, until: str) -> None:
    for _ in range(40):
        await page.mouse.wheel(0, -20_000)
        if await page.get_by_text(until, exact=True).count():
            return
        await page.wait_for_timeout(50)


async def test_a_long_conversation_opens_at_its_end_and_scrolls(visit: Visit, archive: Client) -> None:
    chat = await archive.app.state.database.write(add_long)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        link = page.get_by_role("link", name="对话 1 chat", exact=True)
        await link.wait_for()
        began = time.monotonic()
        await link.click()
        await expect(page.get_by_text(f"第 {MESSAGES} 条回复", exact=False)).to_be_in_viewport()
        opened = (time.monotonic() - began) * 1000
        await page.wait_for_url(f"**/c/{chat}")
        assert opened < OPEN_MS
        assert await page.locator("article").count() <= 120
        await page.locator(".scroller").hover()
        await _wheel(page, f"第 {MESSAGES - 399} 个问题")
        await expect(page.get_by_text(f"第 {MESSAGES - 399} 个问题", exact=True)).to_be_attached()
        assert await page.locator("article").count() <= 170
        await visitor.shoot("big")
        await page.get_by_role("button", name="回到最新").click()
        await expect(page.get_by_text(f"第 {MESSAGES} 条回复", exact=False)).to_be_in_viewport()


async def test_ten_thousand_conversations_are_a_few_elements(visit: Visit, archive: Client) -> None:
    await archive.app.state.database.write(add_chats, CHATS)
    async with visit() as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        rows = page.locator(".sidebar .row-place")
        await rows.filter(has_text=f"对话 {CHATS} chat").first.wait_for()
        scroller = page.locator(".sidebar .rows")
        assert await scroller.evaluate("(e) => e.scrollHeight") > CHATS * 30
        for place in (0.02, 0.05, 0.03):
            await scroller.evaluate("(e, place) => { e.scrollTop = e.scrollHeight * place }", place)
            wanted = f"对话 {CHATS - round(CHATS * place)} chat"
            await expect(rows.filter(has_text=wanted)).to_be_visible()
            assert await rows.count() < 80
