"""What goes wrong around an upload: hostile documents, full disks, kills. Nothing is left half done."""

import asyncio
import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from duihua.core.clock import now
from duihua.db.errors import StorageUnavailable
from duihua.db.session import Session, open_database
from duihua.files import service, uploading
from duihua.files.local_storage import LocalStorage
from duihua.files.storage import FileStorageUnavailable
from duihua.models import File
from tests.db.notes import on_sqlite
from tests.faults.driver import client_of, servers
from tests.files import documents
from tests.files.uploads import content_of, on_disk, send, stored
from tests.fixtures.client import Client
from tests.fixtures.rows import every_row
from tests.fixtures.watched_database import WatchedDatabase


# Refused before a database is asked.
@on_sqlite
async def test_a_bomb_is_refused_and_the_server_goes_on(client: Client, tmp_path: Path) -> None:
    for bomb in (documents.swollen_word, documents.swollen_pdf, documents.deep_word):
        sending = asyncio.create_task(send(client, "a", await asyncio.to_thread(bomb)))
        while not sending.done():
            assert (await client.get("/health")).status == 200
            await asyncio.sleep(0.05)
        assert (await sending).error == "file_unreadable"
    assert on_disk(tmp_path) == []


async def test_a_full_disk_keeps_nothing(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(uploading, "_settle", full)
        assert (await send(client, "a.txt", b"hello")).error == "storage_full"
    assert on_disk(tmp_path) == []
    await stored(client)


async def test_a_storage_that_fails_keeps_nothing(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise FileStorageUnavailable

    before = await client.app.state.database.read(every_row)
    monkeypatch.setattr(LocalStorage, "put", fail)
    assert (await send(client, "a.txt", b"hello")).error == "file_storage_unavailable"
    assert on_disk(tmp_path) == []
    assert await client.app.state.database.read(every_row) == before


async def test_an_upload_whose_last_answer_is_lost_is_kept_whole(
    watched: Callable[[Client], WatchedDatabase], start_server: Any, tmp_path: Path
) -> None:
    lost = asyncio.Event()

    async def lose(work: Any) -> None:
        # As where the connection goes with the answer to COMMIT.
        if work is service.complete and not lost.is_set():
            lost.set()
            raise StorageUnavailable(retry_after=2)

    async with start_server() as client:
        watched(client).after = lose
        again = {"Idempotency-Key": "a"}
        assert (await send(client, "a.txt", b"hello", headers=again)).error == "storage_unavailable"
        made = (await send(client, "a.txt", b"hello", headers=again)).data
        assert (await content_of(client, made["url"]))[:2] == (200, b"hello")
        assert on_disk(tmp_path) == [made["id"]]


async def test_what_was_withdrawn_is_not_completed(
    watched: Callable[[Client], WatchedDatabase], start_server: Any, tmp_path: Path
) -> None:
    async with start_server() as client:
        database = watched(client)

        async def withdraw(work: Any) -> None:
            if work is service.complete:
                for uuid in await database.real.read(service.unfinished, now()):
                    await database.real.write(service.withdraw, uuid)

        before = await database.real.read(every_row)
        database.before = withdraw
        assert (await send(client, "a.txt", b"hello")).status == 404
        await client.app.state.removals.remove_purged()
        assert (await database.real.read(every_row), on_disk(tmp_path)) == (before, [])


async def test_a_lost_content_is_said_to_be_lost(client: Client, tmp_path: Path) -> None:
    made = await stored(client)
    next((tmp_path / "files").rglob(made["id"])).unlink()
    answer = await client.get(made["url"])
    assert (answer.status, answer.error) == (404, "file_content_missing")
    assert (await client.delete(f"/chat/files/{made['id']}")).status == 200


async def test_a_client_that_goes_away_leaves_nothing(client: Client, tmp_path: Path) -> None:
    writer = await half_an_upload(int(client.origin.rpartition(":")[2]), tmp_path)
    writer.close()
    await writer.wait_closed()
    await until(lambda: not on_disk(tmp_path))


async def test_a_killed_server_leaves_nothing_half_done(tmp_path: Path, database_url: str) -> None:
    """One upload is on its way, one is promised and not stored, one is stored and not shown."""
    async with servers(tmp_path, database_url) as started:
        server = await started.start()
        async with client_of(server) as client:
            whole, unshown, unstored = [await stored(client, content=word) for word in (b"a", b"b", b"c")]
        writer = await half_an_upload(server.port, tmp_path)
        await server.kill()
        writer.close()
        assert len(on_disk(tmp_path)) == 4
        await as_if_killed_earlier(tmp_path, database_url, [unshown["id"], unstored["id"]])
        server = await started.start()
        async with client_of(server) as client:
            assert on_disk(tmp_path) == [whole["id"]]
            for made, status in ((whole, 200), (unshown, 404), (unstored, 404)):
                assert (await content_of(client, made["url"]))[0] == status


async def half_an_upload(port: int, folder: Path) -> asyncio.StreamWriter:
    """Send the first half of a file, and wait until it has arrived."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "POST /chat/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
    kind = "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    part = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    writer.write((head + kind + part + "x" * 50_000).encode())
    await writer.drain()
    await until(lambda: any((folder / "incoming").glob("*")))
    return writer


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for another process, or for a task of the server's."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - nobody tells when.
            await asyncio.sleep(0.01)


async def as_if_killed_earlier(folder: Path, database_url: str, uuids: list[str]) -> None:
    """These were being stored; of the last there is no content yet. All of it was long ago."""

    def unshow(session: Session) -> None:
        values = {"status": "incoming", "created_at": now() - timedelta(days=1)}
        session.execute(update(File).where(File.uuid.in_(uuids)).values(values))

    database = open_database(database_url, pool_size=1)
    await database.write(unshow)
    await database.close()
    next((folder / "files").rglob(uuids[-1])).unlink()
    for path in (folder / "incoming").iterdir():
        os.utime(path, (0, 0))
