"""What models did is counted when a day is over: a year of runs need not be read to tell of it.

Until a day is counted it is read run by run. Counted anew is one of which runs were purged.
"""

import asyncio
from datetime import timedelta

import structlog

from duihua.core.clock import now
from duihua.core.errors import AppError
from duihua.db.session import Database
from duihua.statistics import usage_repository

log = structlog.get_logger()
_FIRST_SECONDS, _ROUND_SECONDS = 60.0, 3600.0
# No two clocks of one deployment differ by more.
_OVER = timedelta(hours=1)


async def count_days(db: Database) -> None:
    """Count what is over, some days in a transaction."""
    for user_id, days in await db.read(usage_repository.uncounted, now() - _OVER):
        await db.write(usage_repository.count, user_id, days)


async def rounds(db: Database) -> None:
    """When the server has started, and every hour, for ever."""
    await asyncio.sleep(_FIRST_SECONDS)
    while True:
        try:
            await count_days(db)
        except AppError as error:
            log.warning("counting what models did waits for the database", error=error.code)
        await asyncio.sleep(_ROUND_SECONDS)
