"""Contents in a folder of this machine."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from duihua.files.storage import PIECE_BYTES, disk_errors


class LocalStorage:
    """`folder/7f/0199…7f`: spread over 256 folders by the last two characters, which are random."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, path: Path) -> None:
        """See `Storage.put`. `path` is on the same disk: a rename is all or nothing."""
        with disk_errors():
            await asyncio.to_thread(_move, path, self._place(key))

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """See `Storage.open`."""
        with disk_errors():
            file: BinaryIO = await asyncio.to_thread(self._place(key).open, "rb")
        return _pieces(file)

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        with disk_errors():
            await asyncio.to_thread(self._place(key).unlink, missing_ok=True)

    def _place(self, key: str) -> Path:
        return self._folder / key[-2:] / key


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    # The rename itself must survive power loss. Windows has no way to ask for that.
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
