"""Where the bytes of files are: the interface, and what may go wrong with any storage."""

import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from duihua.core.errors import NotFound, Unavailable
from duihua.core.i18n import messages_of
from duihua.db.errors import StorageFull

PIECE_BYTES = 256 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT}


class FileContentMissing(NotFound):
    """The file is known, and the storage does not have it."""

    code = "file_content_missing"


class FileStorageUnavailable(Unavailable):
    """The storage does not answer."""

    code = "file_storage_unavailable"


messages_of(
    {
        "file_content_missing": (
            "文件的内容不在文件存储中；请检查 DUIHUA_DATA_DIR 或 DUIHUA_FILE_STORAGE 是否改变过",
            "The content of this file is not in the file storage; was DUIHUA_DATA_DIR or "
            "DUIHUA_FILE_STORAGE changed?",
        ),
        "file_storage_unavailable": (
            "文件存储暂不可用，本次请求未保存任何内容；请稍后重试",
            "The file storage is unavailable; nothing of this request was stored. Try again shortly",
        ),
    }
)


class Storage(Protocol):
    """Contents by key; a key is a uuid of ours. Whatever is there is whole."""

    async def put(self, key: str, path: Path) -> None:
        """Keep the file at `path` under `key`, durably; it may be gone from `path` afterwards.

        Raises:
            StorageFull, FileStorageUnavailable: nothing is there under `key`.
        """
        ...

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """The content in pieces. Raises FileContentMissing, FileStorageUnavailable."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the content; no matter whether it is there. Raises FileStorageUnavailable."""
        ...


@contextmanager
def disk_errors() -> Iterator[None]:
    """A disk's errors by our names."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileContentMissing from error
    except OSError as error:
        full = error.errno in _FULL
        raise (StorageFull(retry_after=30) if full else FileStorageUnavailable(retry_after=5)) from error
