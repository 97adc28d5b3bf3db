"""Looking into the database: when told that there is something new, and now and then unasked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from duihua.core.errors import AppError

log = structlog.get_logger()


class Looking:
    """Calls `look(ids)` soon after `wake(ids)`, and `look(None)`, for everything, every `seconds`."""

    def __init__(self, look: Callable[[set[int] | None], Awaitable[None]], seconds: float) -> None:
        self._look, self._seconds = look, seconds
        self._ids: set[int] = set()
        self._everything = False
        self._woken = asyncio.Event()

    def wake(self, ids: Sequence[int] = ()) -> None:
        """Look soon: at these, or at everything."""
        self._ids.update(ids)
        self._everything = self._everything or not ids
        self._woken.set()

    async def forever(self) -> None:
        """Look, for ever. A database that does not answer is asked again."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._seconds
        while True:
            await self._wait_until(due)
            everything = self._everything or loop.time() >= due
            if everything:
                due = loop.time() + self._seconds
            ids, self._ids, self._everything = self._ids, set(), False
            self._woken.clear()
            try:
                await self._look(None if everything else ids)
            except AppError as error:
                log.warning("looking waits for the database", error=error.code)

    async def _wait_until(self, due: float) -> None:
        try:
            async with asyncio.timeout_at(due):
                await self._woken.wait()
        except TimeoutError:
            return
