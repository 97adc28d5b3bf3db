"""`duihua export`: what comes out goes in again, while a server runs."""

import asyncio
import json
import zipfile
from pathlib import Path

from duihua.core.ids import new_uuid
from tests.db.notes import on_sqlite
from tests.fixtures.client import Client
from tests.transfer.test_command import duihua
from tests.transfer.test_export import a_conversation
from tests.transfer.test_files import a_chat
from tests.transfer.test_import import archive, encoded, load


async def export(client: Client, *arguments: str) -> tuple[int, str, str]:
    config = client.app.state.config
    folder = str(config.data_dir)
    done = await asyncio.to_thread(
        duihua, config.resolved_database_url, "export", *arguments, DUIHUA_DATA_DIR=folder
    )
    return done.returncode, done.stdout, done.stderr


def leftovers(folder: Path) -> list[Path]:
    return [*folder.glob(".out.json*"), *folder.glob("none*")]


@on_sqlite
async def test_everything_goes_out_and_in_again(client: Client, tmp_path: Path) -> None:
    chats = [await a_conversation(client, title) for title in ("量子/纠缠", "Reise")]
    out, again, other = tmp_path / "all.zip", tmp_path / "again.zip", f"sqlite:///{tmp_path / 'other.db'}"
    status, written, said = await export(client, str(out))
    assert (status, written, "2 exported" in said) == (0, "", True), said
    back = await asyncio.to_thread(duihua, other, "import", str(out))
    assert back.stdout.splitlines()[-1] == "2 imported, 0 updated, 0 skipped, 0 failed"
    await asyncio.to_thread(duihua, other, "export", str(again))
    first, second = zipfile.ZipFile(out), zipfile.ZipFile(again)
    assert first.namelist() == ["量子_纠缠.json", "Reise.json"]
    assert {name: first.read(name) for name in first.namelist()} == {
        name: second.read(name) for name in second.namelist()
    }
    # One is no zip, and standard output is a file like any other.
    status, written, _ = await export(client, "--conversation", chats[1])
    assert (status, json.loads(written)["conversation"]["title"]) == (0, "Reise")
    status, written, _ = await export(client, "--conversation", chats[1], "--format", "markdown")
    assert (status, written.startswith("# Reise")) == (0, True)


@on_sqlite
async def test_versions_may_be_left_out_and_put_into_what_is_read(client: Client) -> None:
    chat = await a_conversation(client, "版本")
    for options, messages in (((), 3), (("--no-branches",), 2)):
        _, written, _ = await export(client, "--conversation", chat, *options)
        assert len(json.loads(written)["messages"]) == messages
    for options, has_both in (((), False), (("--branches",), True)):
        _, written, _ = await export(client, "--conversation", chat, "--format", "txt", *options)
        assert ("好的。" in written, "print(1)" in written) == (has_both, True)


@on_sqlite
async def test_the_systems_messages_may_be_left_out(client: Client) -> None:
    rule, question = new_uuid(), new_uuid()
    value = archive({"uuid": rule, "role": "system", "content": "简短"}, {"uuid": question, "parent": rule})
    await load(client, encoded(value))
    chat = value["conversation"]["uuid"]
    for options, asked, roles in (
        ((), {}, ["system", "user"]),
        (("--no-system-messages",), {"include_system_messages": False}, ["user"]),
    ):
        _, written, _ = await export(client, "--conversation", chat, *options)
        messages = json.loads(written)["messages"]
        assert [message["role"] for message in messages] == roles
        assert (
            json.loads((await client.post("/chat/export", {"chat_id": chat} | asked)).data)["messages"]
            == messages
        )


@on_sqlite
async def test_the_contents_of_files_may_be_left_out(client: Client, tmp_path: Path) -> None:
    chat, files = await a_chat(client)
    ids = {file["id"] for file in files}
    for options, contents in (((), ids), (("--no-attachments",), set())):
        _, written, _ = await export(client, "--conversation", chat, *options)
        value = json.loads(written)
        assert value.get("files", {}).keys() == contents
        assert {file["id"] for file in value["messages"][0]["files"]} == ids
    await export(client, str(tmp_path / "all.zip"), "--no-attachments")
    assert zipfile.ZipFile(tmp_path / "all.zip").namelist() == ["文件.json"]


async def test_a_refusal_leaves_the_file_as_it_was(client: Client, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("earlier")
    status, _, said = await export(client, str(out), "--conversation", "0199ffff-0000-7000-8000-000000000000")
    assert (status, said.splitlines()[-1]) == (1, "duihua: Conversation not found")
    missing = await asyncio.to_thread(duihua, f"sqlite:///{tmp_path / 'none.db'}", "export", str(out))
    assert (missing.returncode, "duihua migrate" in missing.stderr) == (1, True)
    assert out.read_text() == "earlier"
    assert leftovers(tmp_path) == []
