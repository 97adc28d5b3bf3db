"""Contents leave the storage when nothing needs them, also over kills and a storage that fails."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from duihua.core.clock import now
from duihua.db.session import Session
from duihua.files.local_storage import LocalStorage
from duihua.files.removing import Removals
from duihua.files.storage import FileStorageUnavailable
from duihua.models import File
from tests.files.uploads import on_disk, stored
from tests.fixtures.client import Client
from tests.fixtures.rows import add_stranger


async def chat_with(client: Client, *files: dict[str, Any]) -> str:
    chat = await client.conversation()
    await client.say(chat["uuid"], files=[file["id"] for file in files])
    return str(chat["uuid"])


async def purge(client: Client, *chats: str) -> None:
    await client.delete("/chat/conversations/batch", {"ids": list(chats)})
    assert (await client.delete("/chat/trash", {"ids": list(chats)})).data["purged"] == len(chats)


async def gone(client: Client, remaining: list[str], *, rows: int) -> None:
    """Contents are removed after the answer, and their rows after them."""
    folder = client.app.state.config.data_dir
    for _ in range(250):
        found = on_disk(folder), await client.app.state.database.read(_known)
        if found == (sorted(remaining), rows):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(found)


def _known(session: Session) -> int:
    return len(session.scalars(select(File.uuid)).all())


async def test_a_purged_conversation_takes_its_files_along(client: Client) -> None:
    alone, shared, deleted, unused = [await stored(client) for _ in range(4)]
    chat = await chat_with(client, alone, shared, deleted)
    other = await chat_with(client, shared)
    await client.delete(f"/chat/files/{deleted['id']}")
    await client.delete(f"/chat/conversations/{other}")
    await client.app.state.database.write(add_stranger)
    await purge(client, chat)
    await gone(client, [shared["id"], unused["id"]], rows=3)
    await client.post("/chat/trash/restore", {"ids": [other]})
    assert (await client.get(f"/chat/files/{shared['id']}")).status == 200
    await purge(client, other)
    await gone(client, [unused["id"]], rows=2)


async def test_what_a_storage_did_not_remove_is_removed_later(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise FileStorageUnavailable

    file = await stored(client)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "delete", fail)
        await purge(client, await chat_with(client, file))
        assert (await client.get(f"/chat/files/{file['id']}")).error == "file_not_found"
        assert on_disk(tmp_path) == [file["id"]]
    # As the next start does.
    await removals(client, timedelta(days=30)).remove_purged()
    await gone(client, [], rows=0)


async def test_deleted_files_are_kept_for_some_days(client: Client) -> None:
    old, new, active = [await stored(client) for _ in range(3)]
    for file in (old, new):
        await client.delete(f"/chat/files/{file['id']}")
    await client.app.state.database.write(_age, old["id"], now() - timedelta(days=31))
    rounds = asyncio.create_task(removals(client, timedelta(days=30)).rounds())
    await gone(client, [new["id"], active["id"]], rows=2)
    rounds.cancel()


def removals(client: Client, kept: timedelta) -> Removals:
    return Removals(client.app.state.database, client.app.state.storage, kept=kept)


def _age(session: Session, uuid: str, moment: Any) -> None:
    session.execute(update(File).filter_by(uuid=uuid).values(deleted_at=moment))
