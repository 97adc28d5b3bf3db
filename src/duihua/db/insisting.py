"""Writing what must be written: the database is asked until it takes it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from duihua.db.errors import StorageFull, StorageUnavailable

log = structlog.get_logger()
T = TypeVar("T")
RETRY_SECONDS = 0.5


async def until_taken(ask: Callable[..., Awaitable[T]], *args: Any) -> T:
    """What `ask(*args)` returns once it raises neither StorageFull nor StorageUnavailable."""
    while True:
        try:
            return await ask(*args)
        except (StorageFull, StorageUnavailable) as refusal:
            log.warning("an end waits for the database", error=refusal.code)
            await asyncio.sleep(RETRY_SECONDS)
