"""What the routes of export and import are given."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends

from duihua.auth.dependencies import User
from duihua.files.storage import disk_errors
from duihua.http.envelope import RequestLanguage
from duihua.http.state import Db
from duihua.transfer.importing import Importer
from duihua.transfer.threads import from_thread


async def _read(db: Db) -> Callable[..., Any]:
    return from_thread(db.read)


def _temporary(folder: Path) -> Any:
    folder = folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.NamedTemporaryFile(dir=folder, prefix="import-")


async def _importer(db: Db, user: User, language: RequestLanguage) -> Importer:
    return Importer(from_thread(db.write), user.id, language)


@asynccontextmanager
async def received(content: AsyncIterator[bytes], folder: Path) -> AsyncIterator[Path]:
    """The content as a file on the disk of `folder`, until the end of the block. Raises StorageFull."""
    with disk_errors():
        file = await asyncio.to_thread(_temporary, folder)
    try:
        async for piece in content:
            with disk_errors():
                await asyncio.to_thread(file.write, piece)
        with disk_errors():
            file.flush()
        yield Path(file.name)
    finally:
        file.close()


AppImporter = Annotated[Importer, Depends(_importer)]
ReadFromThread = Annotated[Callable[..., Any], Depends(_read)]
