"""Contents leave the storage: of files that were purged, and of those that were deleted long ago.

The row is marked first, in the transaction of whatever is purged; then the content is removed, then the row.
What a killed process, or a storage that did not answer, leaves of that is found by its mark in a later round.
"""

import asyncio
from datetime import timedelta

import structlog

from duihua.core.clock import now
from duihua.core.errors import AppError
from duihua.db.session import Database
from duihua.files import service
from duihua.files.storage import Storage

log = structlog.get_logger()
_ROUND_SECONDS = 3600.0


class Removals:
    """Removes contents; deleted files are kept for `kept`."""

    def __init__(self, db: Database, storage: Storage, *, kept: timedelta) -> None:
        self._db, self._storage, self._kept = db, storage, kept

    async def rounds(self) -> None:
        """At once, and every hour, for ever."""
        while True:
            try:
                await self._db.write(service.purge_deleted, now() - self._kept)
                await self.remove_purged()
            except AppError as error:
                log.warning("removing files waits for the database", error=error.code)
            await asyncio.sleep(_ROUND_SECONDS)

    async def remove_purged(self) -> None:
        """Remove what is marked."""
        after = 0
        while found := await self._db.read(service.purged, after):
            for row_id, uuid in found:
                after = row_id
                try:
                    await self._storage.delete(uuid)
                    await self._db.write(service.forget, row_id)
                except AppError as error:
                    log.warning("a purged file could not be removed yet", file=uuid, error=error.code)
