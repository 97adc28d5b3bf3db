"""Sharing: a page of what there was, for whoever has its address, until it is revoked or expires."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from duihua.core.clock import now
from duihua.core.ids import new_uuid
from duihua.db.session import Session
from duihua.models import Share
from duihua.sharing import service
from tests.fixtures.client import Client
from tests.fixtures.rows import add_stranger
from tests.fixtures.watched_database import WatchedDatabase

HOSTILE = "<script>alert(1)</script> & “引号”"


async def shared(client: Client, chat: str, **body: Any) -> dict[str, Any]:
    return (await client.post(f"/chat/conversations/{chat}/share", body)).data


async def read(client: Client, path: str, **headers: str) -> tuple[int, str, Any]:
    async with client.session.get(client.origin + path, headers=headers) as response:
        return response.status, await response.text(), response.headers


@pytest.fixture
async def chat(client: Client) -> str:
    made = await client.conversation(title=HOSTILE)
    await client.say(made["uuid"], "第一问")
    return str(made["uuid"])


async def test_a_page_shows_what_there_was(client: Client, chat: str) -> None:
    told = await shared(client, chat)
    assert told["expires_at"] is None
    assert (told["chat_id"], told["title"]) == (chat, HOSTILE)
    await client.say(chat, "后来的话")
    message = (await client.messages(chat))[1]
    await client.put(f"/chat/messages/{message['uuid']}", {"content": "改过的回答"})
    status, page, headers = await read(client, told["path"])
    assert status == 200
    assert "第一问" in page
    assert "好的。" in page
    assert "后来的话" not in page
    assert "改过的回答" not in page
    assert "<script" not in page
    assert headers["x-robots-tag"].startswith("noindex")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "script-src" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")


async def test_sharing_again_takes_the_page_anew_under_its_address(client: Client, chat: str) -> None:
    first = await shared(client, chat, days=1)
    await client.say(chat, "后来的话")
    second = await shared(client, chat)
    assert second["path"] == first["path"]
    assert (first["expires_at"] is None, second["expires_at"]) == (False, None)
    assert "后来的话" in (await read(client, first["path"]))[1]
    assert (await client.get("/chat/shares")).data["shares"] == [second]
    assert (await client.get(f"/chat/conversations/{chat}/share")).data == second


async def test_two_at_once_have_one_address(client: Client, chat: str) -> None:
    told = await asyncio.gather(*(shared(client, chat) for _ in range(6)))
    assert len({each["path"] for each in told}) == 1


async def test_what_is_revoked_is_gone_for_good(client: Client, chat: str) -> None:
    path = f"/chat/conversations/{chat}/share"
    told = await shared(client, chat)
    assert (await client.delete(path)).status == 200
    assert (await read(client, told["path"]))[0] == 404
    for method in ("GET", "DELETE"):
        refused = await client.request(method, path)
        assert (refused.status, refused.error) == (404, "share_not_found")
    assert (await shared(client, chat))["path"] != told["path"]
    assert (await read(client, told["path"]))[0] == 404


async def test_nobody_learns_why_there_is_no_page(client: Client, chat: str) -> None:
    told = await shared(client, chat, days=1)

    def expire(session: Session) -> None:
        session.execute(update(Share).values(expires_at=now() - timedelta(seconds=1)))

    await client.app.state.database.write(expire)
    expired, unknown = [await read(client, path) for path in (told["path"], "/share/" + "A" * 22)]
    assert expired[:2] == unknown[:2]
    assert expired[0] == 404
    assert "已过期" in expired[1]
    assert "no longer shared" in (await read(client, told["path"], **{"Accept-Language": "en"}))[1]


async def test_a_deleted_conversation_is_not_shown_until_it_is_back(client: Client, chat: str) -> None:
    told = await shared(client, chat)
    await client.delete(f"/chat/conversations/{chat}")
    assert (await read(client, told["path"]))[0] == 404
    assert (await client.get("/chat/shares")).data["shares"] == []
    await client.post("/chat/trash/restore", {"ids": [chat]})
    assert (await read(client, told["path"]))[0] == 200
    await client.delete(f"/chat/conversations/{chat}")
    assert (await client.delete("/chat/trash", {"ids": [chat]})).data["purged"] == 1
    assert (await read(client, told["path"]))[0] == 404


async def test_a_page_that_no_browser_would_show_is_refused(
    client: Client, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_PAGE_CHARACTERS", 100)
    refused = await client.post(f"/chat/conversations/{chat}/share", {})
    assert (refused.status, refused.error) == (413, "shared_page_too_large")
    assert (await client.get("/chat/shares")).data["shares"] == []


async def test_a_retry_takes_no_other_page(client: Client, chat: str) -> None:
    key = {"Idempotency-Key": "once"}
    first = (await client.post(f"/chat/conversations/{chat}/share", {}, headers=key)).data
    await client.say(chat, "后来的话")
    assert (await client.post(f"/chat/conversations/{chat}/share", {}, headers=key)).data == first
    assert "后来的话" not in (await read(client, first["path"]))[1]


async def test_a_strangers_shares_are_his(client: Client) -> None:
    await client.app.state.database.write(add_stranger)
    assert (await client.get("/chat/shares")).data["shares"] == []


async def test_what_was_deleted_while_the_page_was_made_is_not_shown(
    watched: Callable[[Client], WatchedDatabase], start_server: Any
) -> None:
    """An older request comes after a newer one with a page of what there was before."""
    held, go = asyncio.Event(), asyncio.Event()

    async def hold(work: Any) -> None:
        if work is service.store and not held.is_set():
            held.set()
            await go.wait()

    async with start_server() as client:
        watched(client).before = hold
        chat = (await client.conversation())["uuid"]
        said = await client.say(chat, "机密")
        older = asyncio.create_task(shared(client, chat))
        await asyncio.wait_for(held.wait(), 20)
        await client.delete(f"/chat/messages/{said['message_id']}")
        newer = await shared(client, chat)
        go.set()
        assert (await older)["path"] == newer["path"]
        assert "机密" not in (await read(client, newer["path"]))[1]


async def test_what_never_stays_is_not_shared(
    watched: Callable[[Client], WatchedDatabase], start_server: Any
) -> None:
    async with start_server() as client:
        chat, other = [(await client.conversation())["uuid"] for _ in range(2)]
        changing = [other]

        async def change(work: Any) -> None:
            if work is service.store:
                await client.put(f"/chat/conversations/{changing[0]}", {"title": new_uuid()})

        watched(client).before = change
        await shared(client, chat)
        changing[:] = [chat]
        assert (await client.post(f"/chat/conversations/{chat}/share", {})).error == "conversation_changing"
