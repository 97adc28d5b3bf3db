"""`duihua export`: what comes out goes in again, while a server runs."""

import asyncio
import json
import zipfile
from pathlib import Path

from tests.db.notes import on_sqlite
from tests.fixtures.client import Client
from tests.transfer.test_command import duihua
from tests.transfer.test_export import a_conversation


async def export(client: Client, *arguments: str) -> tuple[int, str, str]:
    url = client.app.state.config.resolved_database_url
    done = await asyncio.to_thread(duihua, url, "export", *arguments)
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


async def test_a_refusal_leaves_the_file_as_it_was(client: Client, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("earlier")
    status, _, said = await export(client, str(out), "--conversation", "0199ffff-0000-7000-8000-000000000000")
    assert (status, said.splitlines()[-1]) == (1, "duihua: Conversation not found")
    missing = await asyncio.to_thread(duihua, f"sqlite:///{tmp_path / 'none.db'}", "export", str(out))
    assert (missing.returncode, "duihua migrate" in missing.stderr) == (1, True)
    assert out.read_text() == "earlier"
    assert leftovers(tmp_path) == []
