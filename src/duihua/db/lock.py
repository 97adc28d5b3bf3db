"""One server to a SQLite file: a second one is told who is there, instead of both writing."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Self

try:
    import fcntl
except ImportError:  # Windows: no flock; SQLite's own lock still protects the data.
    fcntl = None  # type: ignore[assignment]

from sqlalchemy.engine import make_url


def sole_server(url: str) -> AbstractContextManager[object]:
    """Hold the lock of a SQLite file, whose folder is made; nothing for other databases.

    Raises:
        DatabaseInUse: on entering.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return nullcontext()
    path = Path(parsed.database)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ProcessLock(path)


class DatabaseInUse(RuntimeError):
    """Another running server has this file."""


class ProcessLock:
    """An advisory lock beside the database file, given back by the kernel however the process ends."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._file: int | None = None

    def __enter__(self) -> Self:
        """Take the lock. Raises DatabaseInUse."""
        if fcntl is None:
            return self
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "?"
            os.close(descriptor)
            raise DatabaseInUse(
                f"another Duihua server (process {owner}) uses {self._path.with_suffix('')}. Stop it first, "
                "give this one another DUIHUA_DATA_DIR, or move to PostgreSQL for several processes."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._file = descriptor
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
