"""What the routes of export and import are given."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

from fastapi import Depends, Request

from duihua.auth.dependencies import User
from duihua.core.config import Config
from duihua.files.dependencies import AppStorage, AppUploads
from duihua.files.storage import disk_errors
from duihua.files.uploading import INCOMING
from duihua.http import forms, multipart
from duihua.http.envelope import RequestLanguage
from duihua.http.state import Db
from duihua.schemas.transfer import ChosenExportForm
from duihua.settings.service import time_zone
from duihua.transfer.importing import Importer
from duihua.transfer.rendering import Reader
from duihua.transfer.tasks import ImportTasks
from duihua.transfer.threads import from_thread, pieces_from_thread


async def _read(db: Db) -> Callable[..., Any]:
    return from_thread(db.read)


def _temporary(folder: Path) -> Any:
    folder = folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.NamedTemporaryFile(dir=folder, prefix="import-")


class Received(NamedTuple):
    """A file on this machine's disk, and the SHA-256 of its content."""

    path: Path
    sha256: str


async def _tasks(request: Request) -> ImportTasks:
    return cast(ImportTasks, request.app.state.imports)


async def _reader(db: Db, user: User, language: RequestLanguage) -> Reader:
    return Reader(language, await db.read(time_zone, user.id))


async def _chosen(request: Request) -> ChosenExportForm:
    return await forms.read(request, ChosenExportForm)


async def _open_file(storage: AppStorage) -> Callable[[str], Iterator[bytes]]:
    return pieces_from_thread(storage.open)


async def _importer(db: Db, user: User, language: RequestLanguage, uploads: AppUploads) -> Importer:
    return Importer.of(db, uploads, user.id, language)


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Received]:
    """The file of the request on this machine's disk, until the end of the block.

    What a killed process leaves of it is removed with the leftovers of uploads.

    Raises:
        StorageFull, and what `receive_file` raises.
    """
    config: Config = request.app.state.config
    upload = await multipart.receive_file(request, limit=config.max_import_bytes)
    digest = hashlib.sha256()
    with disk_errors():
        file = await asyncio.to_thread(_temporary, config.data_dir / INCOMING)
    try:
        async for piece in upload.content:
            digest.update(piece)
            with disk_errors():
                await asyncio.to_thread(file.write, piece)
        with disk_errors():
            file.flush()
        yield Received(Path(file.name), digest.hexdigest())
    finally:
        file.close()


PostedForm = Annotated[ChosenExportForm, Depends(_chosen)]
AppReader = Annotated[Reader, Depends(_reader)]
AppTasks = Annotated[ImportTasks, Depends(_tasks)]
AppImporter = Annotated[Importer, Depends(_importer)]
FileFromThread = Annotated[Callable[[str], Iterator[bytes]], Depends(_open_file)]
ReadFromThread = Annotated[Callable[..., Any], Depends(_read)]
