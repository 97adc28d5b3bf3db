"""Pictures on shared pages: those of the page, under its token, while it is shown; nothing else, ever."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from duihua.core.clock import now
from duihua.db.session import Session
from duihua.models import Share
from tests.api.routes import upload
from tests.files import documents
from tests.files.uploads import content_of, stored
from tests.fixtures.client import Client
from tests.fixtures.rows import add_stranger


async def page_of(client: Client, share: dict[str, Any]) -> str:
    return (await content_of(client, share["path"]))[1].decode()


async def ask(client: Client, chat: str, *files: str) -> None:
    await client.post("/chat/messages", {"chat_id": chat, "content": "看", "files": list(files)})


@pytest.fixture
async def chat(client: Client) -> str:
    return str((await client.conversation(title="图"))["uuid"])


@pytest.fixture
async def picture(client: Client, chat: str) -> str:
    """Of the conversation."""
    file = await stored(client, "甲 & 乙.png", documents.PNG)
    await ask(client, chat, file["id"])
    return str(file["id"])


async def share(client: Client, chat: str, **body: Any) -> dict[str, Any]:
    return (await client.post(f"/chat/conversations/{chat}/share", body)).data


async def test_a_page_shows_its_pictures(client: Client, chat: str, picture: str) -> None:
    told = await share(client, chat)
    page = await page_of(client, told)
    token = told["path"].rpartition("/")[2]
    assert f'<img src="{token}/{picture}" alt="甲 &amp; 乙.png"' in page
    status, content, found = await content_of(client, f"{told['path']}/{picture}")
    headers = {name.lower(): value for name, value in found.items()}
    assert (status, content) == (200, documents.PNG)
    assert headers["content-type"] == "image/png"
    assert headers["content-disposition"].startswith("inline")
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"].startswith("noindex")


async def test_a_document_is_named_and_not_given(client: Client, chat: str) -> None:
    document = (await stored(client, "笔记.md", b"# one"))["id"]
    svg = (await stored(client, "画.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"))["id"]
    await ask(client, chat, document, svg)
    told = await share(client, chat)
    page = await page_of(client, told)
    assert ("📎 笔记.md" in page, "📎 画.svg" in page, "<img" in page) == (True, True, False)
    for file in (document, svg):
        assert (await content_of(client, f"{told['path']}/{file}"))[0] == 404


async def test_no_other_file_is_reached(client: Client, chat: str, picture: str) -> None:
    """Not of another conversation, not of another page, not what came later, not by its number."""
    told = await share(client, chat)
    other = await client.conversation(title="别的")
    foreign = (await stored(client, "b.png", documents.PNG + b"\0"))["id"]
    await ask(client, other["uuid"], foreign)
    elsewhere = await share(client, other["uuid"])
    later = (await stored(client, "c.png", documents.PNG + b"\0\0"))["id"]
    await ask(client, chat, later)
    for path in (
        *(
            f"{told['path']}/{file}"
            for file in (foreign, later, "1", "2", "..", "%2e%2e%2f1", picture + "%00")
        ),
        f"{elsewhere['path']}/{picture}",
        f"/share/{'A' * 22}/{picture}",
        f"/share/%25/{picture}",
    ):
        assert (await content_of(client, path))[0] == 404, path
    # Taken anew, it shows what there is now.
    again = await share(client, chat)
    assert (await content_of(client, f"{again['path']}/{later}"))[0] == 200


async def test_a_strangers_picture_is_not_shown_though_a_message_names_it(client: Client, chat: str) -> None:
    owned = await client.app.state.database.write(add_stranger)
    archive = (await client.post("/chat/export", {"chat_id": chat, "format": "json"})).body["data"]
    at = "2026-01-01T00:00:00Z"
    files = [{"id": owned.file, "name": "x.png", "content_type": "image/png"}]
    said = {"uuid": "m", "role": "user", "content": "看", "files": files, "created_at": at, "updated_at": at}
    message = json.dumps(said)
    text = archive.decode().replace('"messages":[', '"messages":[' + message).replace(chat, "imported")
    report = (await client.post("/chat/import", data=upload("a.json", text.encode()))).data
    told = await share(client, report["conversations"][0]["uuid"])
    assert "<img" not in await page_of(client, told)
    assert (await content_of(client, f"{told['path']}/{owned.file}"))[0] == 404


async def test_pictures_go_with_the_page(client: Client, chat: str, picture: str) -> None:
    told = await share(client, chat, days=1)
    path = f"{told['path']}/{picture}"

    async def status() -> int:
        return (await content_of(client, path))[0]

    assert await status() == 200
    await client.delete(f"/chat/conversations/{chat}")
    assert await status() == 404
    await client.post("/chat/trash/restore", {"ids": [chat]})
    assert await status() == 200

    def expire(session: Session) -> None:
        session.execute(update(Share).values(expires_at=now() - timedelta(seconds=1)))

    await client.app.state.database.write(expire)
    assert await status() == 404
    await share(client, chat)
    assert await status() == 200
    await client.delete(f"/chat/conversations/{chat}/share")
    assert await status() == 404


async def test_a_deleted_file_is_shown_no_more(client: Client, chat: str, picture: str) -> None:
    told = await share(client, chat)
    await client.delete(f"/chat/files/{picture}")
    assert (await content_of(client, f"{told['path']}/{picture}"))[0] == 404
    assert "📎" in await page_of(client, await share(client, chat))
