"""Following what changes: the record is read when a user's counter has moved, whichever process moved it.

Nothing tells of a change but the database. One query for all users who are followed here asks for their
counters, four times a second; a follower holds its place and no queue: a slow client costs no memory.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import structlog

from duihua.changes import repository
from duihua.core.errors import AppError
from duihua.db.session import Database
from duihua.schemas import stream

log = structlog.get_logger()
POLL_SECONDS = 0.25
PING_SECONDS = 15.0
_READ_AT_ONCE = 200
_PING = b": ping\n\n"


class Live:
    """All who follow changes in this process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._followers: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self._newest: dict[int, int] = {}
        self._closed = False
        self._watching: asyncio.Task[None] | None = None

    def close(self) -> None:
        """End every stream: this server is stopping, and another one goes on with `Last-Event-ID`."""
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
        for moved in self._all():
            moved.set()

    @property
    def followed(self) -> int:
        """How many follow changes here."""
        return len(self._all())

    async def follow(self, user_id: int, after: int | None) -> AsyncIterator[bytes]:
        """The frames of a user's changes beyond number `after`; None: from now on.

        The first frame says where it begins: `start`, or `reset` where what follows `after` is not kept.
        """
        moved = asyncio.Event()
        self._followers[user_id].add(moved)
        try:
            place, first = await self._begin(user_id, after)
            yield first
            while not self._closed:
                self._keep_watching()
                moved.clear()
                record = await self._db.read(repository.since, user_id, place, _READ_AT_ONCE)
                if (record.rows[0][0] - 1 if record.rows else record.last) > place:
                    # The sweep has overtaken a client that reads slowly: it comes back, and is told `reset`.
                    log.info(
                        "a stream of changes ended: what came next is not kept", user=user_id, after=place
                    )
                    return
                if record.rows:
                    place = record.rows[-1][0]
                    yield b"".join(stream.frame(seq, payload.encode()) for seq, payload in record.rows)
                elif not await self._moved(moved):
                    yield _PING
        except AppError as error:
            log.warning("a stream of changes ended; its client comes back", error=error.code)
        finally:
            self._followers[user_id].discard(moved)
            if not self._followers[user_id]:
                del self._followers[user_id]
                self._newest.pop(user_id, None)

    def _keep_watching(self) -> None:
        # Asked with every ping: what ended by a bug, which asyncio logs, begins again.
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="live")

    async def _begin(self, user_id: int, after: int | None) -> tuple[int, bytes]:
        record = await self._db.read(repository.since, user_id, after or 0, 1)
        if after is None:
            return record.last, stream.frame(record.last, b'{"type":"start"}')
        oldest = record.last + 1 if record.first_kept is None else record.first_kept
        if oldest - 1 <= after <= record.last:
            return after, stream.frame(after, b'{"type":"start"}')
        return record.last, stream.frame(record.last, b'{"type":"reset"}')

    async def _moved(self, moved: asyncio.Event) -> bool:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await moved.wait()
        except TimeoutError:
            return False
        return True

    async def _watch(self) -> None:
        """Look, as long as somebody follows."""
        while self._followers:
            try:
                newest = await self._db.read(repository.newest, list(self._followers))
            except AppError as error:
                log.warning("following changes waits for the database", error=error.code)
            else:
                for user_id, last in newest.items():
                    self._tell(user_id, last)
            await asyncio.sleep(POLL_SECONDS)

    def _tell(self, user_id: int, last: int) -> None:
        if self._newest.get(user_id) != last and user_id in self._followers:
            self._newest[user_id] = last
            for moved in self._followers[user_id]:
                moved.set()

    def _all(self) -> list[asyncio.Event]:
        return [moved for followers in self._followers.values() for moved in followers]
