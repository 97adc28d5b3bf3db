"""The journal: what running generations produced, committed before anybody sees it.

One writer for all runs: every tick it numbers and merges what each has pending, commits all of it as
one transaction (group commit), and only then tells the bus. The first token of a run does not wait for
the tick. The cost of storage thus depends on the clock, not on the models' speed; so does that of reading,
for a run takes what its model has sent once a tick, just before the commit.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from duihua.db.errors import StorageFull, StorageUnavailable
from duihua.db.session import Database
from duihua.generation import journal_repository
from duihua.generation.ending import LostGeneration
from duihua.realtime.bus import Bus, Committed
from duihua.schemas import stream as events

log = structlog.get_logger()
RETRY_SECONDS = 0.5
# Runs begin to read, the network is polled, the client has what came, runs take it.
_TURNS_OF_THE_LOOP = 4
# While the database does not take anything, runs go on into memory up to this many characters, then wait.
MOST_PENDING_CHARS = 8_000_000


class RunLog:
    """What one run has said: the pieces that are not committed yet, and the whole text."""

    __slots__ = ("_pending", "chars", "generation_id", "in_flight", "message_id", "reasoning", "seq", "text")

    def __init__(
        self, generation_id: int, message_id: str, seq: int, begun: tuple[str, str] = ("", "")
    ) -> None:
        """`seq` is the last event that is already in the journal, with the text and reasoning `begun`."""
        self.generation_id = generation_id
        self.message_id = message_id
        self.seq = seq
        text, reasoning = begun
        self.chars = len(text) + len(reasoning)
        self.text, self.reasoning = [text], [reasoning]
        self.in_flight: asyncio.Future[None] | None = None
        self._pending: list[tuple[str, list[str]]] = []

    def add(self, kind: str, content: str) -> None:
        """Take a piece of the reply: `kind` is `chunk` or `reasoning`."""
        (self.text if kind == "chunk" else self.reasoning).append(content)
        self.chars += len(content)
        if self._pending and self._pending[-1][0] == kind:
            self._pending[-1][1].append(content)
        else:
            self._pending.append((kind, [content]))

    def take(self) -> list[tuple[int, bytes]]:
        """What is pending, as numbered events; neighbouring pieces of a kind become one."""
        taken = []
        for kind, pieces in self._pending:
            self.seq += 1
            taken.append((self.seq, events.piece(kind, self.message_id, "".join(pieces))))
        self._pending.clear()
        return taken


class Journal:
    """The one writer of journal rows of the runs of `owner`, this process, while they are going on."""

    def __init__(self, db: Database, bus: Bus, owner: str, tick_seconds: float) -> None:
        self._db, self._bus, self._owner, self._tick = db, bus, owner, tick_seconds
        # How much was committed, since the start.
        self.commits = self.events = 0
        self._dirty: dict[RunLog, None] = {}
        self._pending_chars = 0
        self._something = asyncio.Event()
        self._urgent = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._lost: Callable[[int], None] = lambda _: None

    def on_lost(self, callback: Callable[[int], None]) -> None:
        """Call `callback(generation_id)` for a run that another process has taken over."""
        self._lost = callback

    def append(self, run: RunLog, kind: str, content: str, *, urgent: bool = False) -> None:
        """Take a piece of a reply; it is shown once it is committed. `urgent` does not wait for the tick."""
        run.add(kind, content)
        self._pending_chars += len(content)
        if run not in self._dirty:
            self._dirty[run] = None
            self._something.set()
        if urgent:
            self._urgent.set()

    @property
    def is_full(self) -> bool:
        """Whether the database takes nothing and too much is pending."""
        return self._pending_chars > MOST_PENDING_CHARS

    async def turn(self) -> None:
        """Wait until more is wanted of a run: the next commit takes what it has by then."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._something.set()
        await turn

    async def rest(self, run: RunLog) -> list[tuple[int, bytes]]:
        """What of a run is not committed yet, for the transaction that ends it; nothing is in flight then."""
        # Not once: the next commit may have begun before this task had its turn.
        while run.in_flight is not None:
            await run.in_flight
        self._dirty.pop(run, None)
        return run.take()

    async def write(self) -> None:
        """Commit tick by tick, for ever."""
        loop = asyncio.get_running_loop()
        not_before = 0.0
        while True:
            await self._something.wait()
            await self._pause(not_before - loop.time())
            not_before = loop.time() + self._tick
            # Cleared first: who waits for the turn after this one says so during it.
            self._something.clear()
            self._urgent.clear()
            await self._let_read()
            await self._commit()

    async def _let_read(self) -> None:
        if self.is_full:
            # Nobody has a turn, so all still wait for one.
            self._something.set()
            return
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
        for _ in range(_TURNS_OF_THE_LOOP if waiting else 0):
            await asyncio.sleep(0)

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0 or self._urgent.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._urgent.wait()
        except TimeoutError:
            return

    async def _commit(self) -> None:
        batch = [(run, taken) for run in self._dirty if (taken := run.take())]
        self._dirty.clear()
        self._pending_chars = 0
        if not batch:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for run, _ in batch:
            run.in_flight = done
        try:
            await self._store(batch)
        finally:
            done.set_result(None)
            for run, _ in batch:
                run.in_flight = None

    async def _store(
        self, batch: Sequence[tuple[RunLog, list[tuple[int, bytes]]]], *, again: bool = False
    ) -> None:
        """Commit and publish; `again` says that these rows may be committed already."""
        rows = [(run.generation_id, seq, payload) for run, taken in batch for seq, payload in taken]
        try:
            await self._insist(rows, again=again)
        except LostGeneration:
            # Another process has taken over one of these runs; the others go on.
            if len(batch) == 1:
                self._lost(batch[0][0].generation_id)
                return
            for item in batch:
                await self._store([item], again=True)
            return
        for run, taken in batch:
            frames = [events.frame(seq, payload) for seq, payload in taken]
            self._bus.publish(
                Committed(run.generation_id, taken[0][0], frames, ended=False, owner=self._owner)
            )

    async def _insist(self, rows: list[tuple[int, int, bytes]], *, again: bool) -> None:
        is_late_possible = False
        while True:
            extend = journal_repository.extend_again if again else journal_repository.extend
            try:
                await self._db.write_first(extend, self._owner, rows)
            except (StorageFull, StorageUnavailable) as error:
                log.warning("journal waits for the database", error=error.code, events=len(rows))
                # With a connection the word of its last commit may be lost: these rows may be there already.
                again = is_late_possible = True
                await asyncio.sleep(RETRY_SECONDS)
                await self._let_read()
            except LostGeneration:
                # The commit whose word was lost may have come only after the next attempt had looked for it.
                if not is_late_possible:
                    raise
                is_late_possible = False
            else:
                self.commits += 1
                self.events += len(rows)
                return
