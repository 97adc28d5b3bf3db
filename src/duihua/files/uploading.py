"""Uploads: from the bytes of a request to a stored file, all or nothing.

A file is gathered under a name of its own in the folder `incoming`, looked at there, promised in the
database, moved to the storage, and only then shown. Whatever a killed process leaves of that is found by
its name or by its promise, and removed at the next start.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from duihua.core.clock import now
from duihua.core.errors import AppError, InvalidInput, TooLarge
from duihua.core.filenames import safe_name
from duihua.core.ids import new_uuid
from duihua.db.session import Database
from duihua.files import service
from duihua.files.inspection import inspect
from duihua.files.service import Received
from duihua.files.storage import PIECE_BYTES, Storage, disk_errors
from duihua.http.repository import RetryKey

log = structlog.get_logger()
# The folder, in the data folder, of whatever is being received.
INCOMING = "incoming"
# Documents that are parsed at once: each may take a core and a gigabyte.
_INSPECTED_AT_ONCE = 2
# Where other processes upload too, what is this old is nobody's any more.
_LONGEST_UPLOAD = timedelta(hours=6)


class Uploads:
    """Takes files into `storage`; `folder` must be on the disk of a local one."""

    def __init__(
        self, db: Database, storage: Storage, folder: Path, *, most_chars: int, most_bytes: int
    ) -> None:
        self.storage = storage
        self._db, self._folder = db, folder
        self._most_chars, self._most_bytes = most_chars, most_bytes
        self._inspecting = asyncio.Semaphore(_INSPECTED_AT_ONCE)

    async def receive(
        self, user_id: int, name: str, content: AsyncIterator[bytes], retry_key: str | None
    ) -> dict[str, Any]:
        """Store a file under the name that its sender gave it; its wire form.

        Raises:
            InvalidInput: it is empty. UnsupportedFile, FileUnreadable, FileLocked, StorageFull,
            StorageUnavailable, FileStorageUnavailable, IdempotencyKeyReused, and what `content` raises.
            In every case nothing is left of it. StorageInDoubt: perhaps it is stored.
        """
        async with self._gathered(new_uuid(), name, content) as (received, path):
            retry = RetryKey(retry_key, _fingerprint(received)) if retry_key else None
            await self._db.write(service.promise, user_id, received)
            return await self._keep(user_id, received.uuid, path, retry)

    async def take_back(self, user_id: int, uuid: str, name: str, content: BinaryIO) -> dict[str, Any]:
        """Store a file that was exported, under its uuid where nobody has that; its wire form.

        Raises:
            As `receive`; TooLarge.
        """
        async with self._gathered(uuid, name, _pieces(content, self._most_bytes)) as (received, path):
            kept, known = await self._db.write(service.adopt, user_id, received)
            return known or await self._keep(user_id, kept, path, None)

    @asynccontextmanager
    async def _gathered(
        self, uuid: str, name: str, content: AsyncIterator[bytes]
    ) -> AsyncIterator[tuple[Received, Path]]:
        path = self._folder / new_uuid()
        try:
            size, digest = await self._gather(content, path)
            if not size:
                raise InvalidInput(field="body.file", reason="is empty")
            name = safe_name(name)
            async with self._inspecting:
                facts = await inspect(path, name, self._most_chars)
            yield Received(uuid, name, size, digest, facts), path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def remove_leftovers(self, *, alone: bool) -> None:
        """Remove what uploads of killed processes left; `alone` says that no other process can have one."""
        before = now() - (timedelta() if alone else _LONGEST_UPLOAD)
        await asyncio.to_thread(_remove_older, self._folder, before.timestamp())
        for uuid in await self._db.read(service.unfinished, before):
            try:
                await self._withdraw(uuid)
            except AppError as error:
                log.warning("an unfinished upload could not be removed", file=uuid, error=error.code)

    async def _gather(self, content: AsyncIterator[bytes], path: Path) -> tuple[int, str]:
        size, digest = 0, hashlib.sha256()
        with disk_errors():
            file = await asyncio.to_thread(_create, path)
        try:
            async for piece in content:
                size += len(piece)
                digest.update(piece)
                with disk_errors():
                    await asyncio.to_thread(file.write, piece)
            with disk_errors():
                await asyncio.to_thread(_settle, file)
        finally:
            # Of a full disk the first error has told; what is left in the buffer is lost with the file.
            with suppress(OSError):
                file.close()
        return size, digest.hexdigest()

    async def _keep(self, user_id: int, uuid: str, path: Path, retry: RetryKey | None) -> dict[str, Any]:
        try:
            await self.storage.put(uuid, path)
            answer, is_earlier = await self._db.write(service.complete, user_id, uuid, retry)
        except BaseException:
            with suppress(AppError):  # The next start tries again.
                await self._withdraw(uuid)
            raise
        if is_earlier:
            await self._withdraw(uuid)
        return answer

    async def _withdraw(self, uuid: str) -> None:
        """Remove it unless it is complete: whoever asks may have missed the answer to that."""
        row_id = await self._db.write(service.withdraw, uuid)
        if row_id is not None:
            await self.storage.delete(uuid)
            await self._db.write(service.forget, row_id)


def _fingerprint(received: Received) -> str:
    return hashlib.sha256(f"POST /chat/upload\n{received.name}\n{received.sha256}".encode()).hexdigest()


async def _pieces(content: BinaryIO, most_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    while piece := await asyncio.to_thread(content.read, PIECE_BYTES):
        size += len(piece)
        if size > most_bytes:
            raise TooLarge(limit=most_bytes)
        yield piece


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.open("xb")


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _remove_older(folder: Path, moment: float) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            # Another process that starts may have been faster.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < moment:
                    path.unlink()
