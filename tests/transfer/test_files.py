"""Files beside messages are exported with their contents, and come back."""

import asyncio
import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from duihua.core.ids import new_uuid
from duihua.transfer import exporting, storing
from tests.files.uploads import content_of, on_disk, stored
from tests.fixtures.client import Client
from tests.fixtures.rows import add_stranger
from tests.fixtures.watched_database import WatchedDatabase
from tests.transfer.test_export import FORM
from tests.transfer.test_import import archive, counts, encoded, load, zipped

TEXT = "笔记 notes".encode() * 50_000


async def a_chat(client: Client) -> tuple[str, list[dict[str, Any]]]:
    """A conversation with two files beside one message."""
    files = [await stored(client, "笔记.txt", TEXT), await stored(client, "a.md", b"# two")]
    chat = await client.conversation(title="文件")
    await client.say(chat["uuid"], files=[file["id"] for file in files])
    return chat["uuid"], files


async def exported(client: Client, chat: str, how: str) -> bytes:
    if how == "json":
        return (await client.post("/chat/export", {"chat_id": chat})).data
    return (await client.post("/chat/export/batch", {"chat_ids": [chat]})).data


async def shown(client: Client, chat: str) -> list[tuple[str, bytes]]:
    """Names and contents of the files of a conversation's first message."""
    [question, *_] = await client.messages(chat)
    return [(file["name"], (await content_of(client, file["url"]))[1]) for file in question["files"]]


@pytest.mark.parametrize("how", ["json", "zip"])
async def test_files_come_back_whole(client: Client, how: str) -> None:
    chat, files = await a_chat(client)
    content = await exported(client, chat, how)
    await client.delete(f"/chat/conversations/{chat}")
    # One is there still, the other is gone: it must come out of the archive.
    await client.delete(f"/chat/files/{files[0]['id']}")
    report = (await load(client, content)).data
    assert (counts(report), report["errors"]) == ((1, 0, 0), [])
    [imported] = report["conversations"]
    assert await shown(client, imported["uuid"]) == [("笔记.txt", TEXT), ("a.md", b"# two")]
    kept = on_disk(client.app.state.config.data_dir)
    assert counts((await load(client, content)).data) == (0, 1, 0)
    assert on_disk(client.app.state.config.data_dir) == kept, "a second import stores nothing"


async def test_a_zip_holds_each_file_once_beside_the_archives(client: Client) -> None:
    chat, files = await a_chat(client)
    await client.say(chat, files=[files[0]["id"]])
    with zipfile.ZipFile(io.BytesIO(await exported(client, chat, "zip"))) as archived:
        assert sorted(archived.namelist()[1:]) == sorted(f"files/{file['id']}" for file in files)
        assert archived.read(f"files/{files[0]['id']}") == TEXT
        assert "files" not in json.loads(archived.read("文件.json"))


async def test_contents_may_be_left_out_and_names_stay(client: Client) -> None:
    chat, files = await a_chat(client)
    names = [file["name"] for file in files]
    without = {"chat_id": chat, "attachments": False}
    value = json.loads((await client.post("/chat/export", without)).data)
    assert "files" not in value
    assert [file["name"] for file in value["messages"][0]["files"]] == names
    for answer in (
        await client.post("/chat/export/batch", {"all": True, "attachments": False}),
        await client.get("/chat/export/all?attachments=false"),
        await client.post(
            "/chat/export/chosen", raw=f"chat_ids={chat}&attachments=false".encode(), headers=FORM
        ),
    ):
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archived:
            assert not any(name.startswith("files/") for name in archived.namelist())
            messages = json.loads(archived.read("文件.json"))["messages"]
            assert [file["name"] for file in messages[0]["files"]] == names


async def test_a_json_leaves_out_what_is_too_much(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_MOST_EMBEDDED", 1000)
    chat, files = await a_chat(client)
    value = json.loads(await exported(client, chat, "json"))
    assert value["files"] == {files[1]["id"]: {"content": base64.b64encode(b"# two").decode()}}
    assert [file["name"] for file in value["messages"][0]["files"]] == ["笔记.txt", "a.md"]


def with_files(**contents: bytes) -> dict[str, Any]:
    """An archive with these files beside its message."""
    listed = [{"id": name, "name": f"{name}.txt"} for name in contents]
    embedded = {name: {"content": base64.b64encode(data).decode()} for name, data in contents.items()}
    return archive({"uuid": new_uuid(), "files": listed}) | {"files": embedded}


async def test_what_a_file_is_its_content_says(client: Client) -> None:
    page = with_files(a=b"<script>", b=b"\0\1\2", c=b"")
    report = (await load(client, encoded(page))).data
    assert counts(report) == (1, 0, 0), "the conversation comes without what cannot be taken"
    assert [problem["error"] for problem in report["errors"]] == ["unsupported_file", "invalid_input"]
    [imported] = report["conversations"]
    [question] = await client.messages(imported["uuid"])
    status, content, headers = await content_of(client, question["files"][0]["url"])
    assert (status, content) == (200, b"<script>")
    assert headers["Content-Type"].startswith("text/plain")
    assert [file["name"] for file in question["files"]] == ["a.txt", "b.txt", "c.txt"]


async def test_lines_have_files_each(client: Client) -> None:
    report = (await load(client, encoded(with_files(a=b"one"), with_files(b=b"two"), archive()))).data
    assert (counts(report), report["errors"]) == ((3, 0, 0), [])
    found = [await client.messages(conversation["uuid"]) for conversation in report["conversations"][:2]]
    contents = [await content_of(client, question["files"][0]["url"]) for [question] in found]
    assert [content for _, content, _ in contents] == [b"one", b"two"]


async def test_the_files_of_others_are_theirs(client: Client) -> None:
    stranger = await client.app.state.database.write(add_stranger)
    report = (await load(client, encoded(with_files(**{stranger.file: b"mine"})))).data
    [imported] = report["conversations"]
    [question] = await client.messages(imported["uuid"])
    assert question["files"][0]["id"] != stranger.file
    assert (await content_of(client, question["files"][0]["url"]))[1] == b"mine"


async def test_entries_that_are_bombs_or_lead_elsewhere(client: Client) -> None:
    bomb, away = new_uuid(), "../../etc/passwd"
    listed = [{"id": bomb, "name": "bomb"}, {"id": away, "name": "away"}]
    said = archive({"uuid": new_uuid(), "files": listed})
    limit = client.app.state.config.max_file_bytes
    content = zipped(
        **{
            "a.json": encoded(said),
            f"files/{bomb}": b"0" * (limit + 1),
            f"files/{away}": b"root",
        }
    )
    report = (await load(client, content)).data
    assert counts(report) == (1, 0, 1)
    assert {problem["error"] for problem in report["errors"]} == {"body_too_large", "archive_broken"}
    assert on_disk(client.app.state.config.data_dir) == []


async def test_files_that_are_purged_before_their_conversation_is_stored_are_missed(
    watched: Callable[[Client], WatchedDatabase], start_server: Any
) -> None:
    """The trash is emptied between the two; whoever imports again has everything."""
    held, go = asyncio.Event(), asyncio.Event()

    async def hold(work: Any) -> None:
        if work is storing.store_all and not held.is_set():
            held.set()
            await go.wait()

    async with start_server() as client:
        chat, _ = await a_chat(client)
        other = await client.conversation()
        content = (await client.post("/chat/export/batch", {"all": True})).data
        await client.delete("/chat/conversations/batch", {"ids": [chat, other["uuid"]]})
        watched(client).before = hold
        importing = asyncio.create_task(load(client, content))
        await asyncio.wait_for(held.wait(), 20)
        await client.delete("/chat/trash", {"all": True})
        go.set()
        report = (await importing).data
        assert counts(report) == (1, 0, 1)
        assert "文件" in report["errors"][0]["message"]
        [made] = (await load(client, content)).data["conversations"]
        assert await shown(client, made["uuid"]) == [("笔记.txt", TEXT), ("a.md", b"# two")]
