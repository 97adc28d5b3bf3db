"""The imports of a process: those that a request waits for, and those that go on when it is gone.

How far an import is stands in the database, so that any process can tell. Its file does not outlive the
process that read it: what dies with that ends as `interrupted`, and importing the file again adds only what
is missing, because every conversation was stored whole or not at all.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog

from duihua.core.errors import AppError, NotFound
from duihua.core.i18n import Language, messages_of, translate
from duihua.db.insisting import until_taken
from duihua.db.session import Database, Session
from duihua.http.idempotency import ask_once
from duihua.http.repository import RetryKey, once
from duihua.models import ImportTask
from duihua.schemas import stream
from duihua.transfer import importing, task_repository
from duihua.transfer.importing import ImportCancelled, Importer, ImportInterrupted, Incoming
from duihua.transfer.storing import Choice
from duihua.transfer.task_repository import Ended
from duihua.transfer.threads import Stop, from_thread
from duihua.vocabulary import ImportState

log = structlog.get_logger()
T = TypeVar("T")
_BEAT_SECONDS = 0.5
# How long a conversation that is being stored, or the end of an import, may keep a server that stops.
_CLOSE_SECONDS = 5.0
_POLL_SECONDS = 0.25
_PING_SECONDS = 15.0
_PING = b": ping\n\n"
_COUNTS = ("imported", "skipped", "failed")


class ImportTaskNotFound(NotFound):
    """No such import of this user."""

    code = "import_task_not_found"


_ENDS: dict[type[AppError], ImportState] = {
    ImportInterrupted: ImportState.INTERRUPTED,
    ImportCancelled: ImportState.CANCELLED,
}
_KINDS = {ImportState.FAILED: "error"}

messages_of(
    {
        "import_foreseen": (
            "没有做任何改动，这是导入会做的",
            "Nothing was changed; this is what the import would do",
        ),
        "import_started": ("已开始导入", "The import has begun"),
        "import_task_not_found": ("导入任务不存在", "There is no such import"),
        "import_stopping": ("导入将在当前对话之后停止", "The import ends after its present conversation"),
        "import_ended": ("导入已经结束", "The import has ended"),
    }
)


class _Progress:
    """How far a thread is: written there, read here."""

    def __init__(self) -> None:
        self.counts: dict[str, Any] = {"done": 0} | dict.fromkeys(_COUNTS, 0)
        self.stop = Stop()

    def tell(self, done: int, report: dict[str, Any]) -> None:
        self.counts = {"done": done} | {name: report[name] for name in _COUNTS}


class ImportTasks:
    """The imports of this process. Of those in the background, one at a time reads its file."""

    def __init__(self, db: Database, owner: str) -> None:
        self._db, self._owner = db, owner
        self._running: dict[asyncio.Task[Any], Stop] = {}
        self._turn = asyncio.Semaphore(1)
        self._stopping = False

    async def open(self) -> None:
        """End what another process left behind."""
        await self._db.write(task_repository.interrupt_lost, alone=not self._db.is_shared)

    def stop(self) -> None:
        """Let every import end after its present conversation."""
        self._stopping = True
        for stop in self._running.values():
            stop.ask(ImportInterrupted)

    async def close(self) -> None:
        """Stop, and wait for it, but not for ever."""
        self.stop()
        if self._running:
            _, left = await asyncio.wait(self._running, timeout=_CLOSE_SECONDS)
            for task in left:
                task.cancel()

    async def once(
        self, path: Path, importer: Importer, choice: Choice, retry: RetryKey | None
    ) -> dict[str, Any]:
        """Import the file, as `importing.run` does, unless `retry` has been here before: then its report.

        Of two requests with one key at the same time both may import, each what the other has not.

        Raises:
            ImportInterrupted: the server stops; what was imported stays.
            IdempotencyKeyReused, and what `run` raises, saying what stays.
        """

        async def work() -> dict[str, Any]:
            stop = Stop()
            reading = asyncio.to_thread(importing.run, path, importer, choice, stop)
            task = self._begin(importing.saying_what_stays(reading, choice), stop, "import of a request")
            # A thread does not end with the request that waits for it.
            return await asyncio.shield(task)

        return await ask_once(self._db, importer.user_id, retry, work)

    async def start(
        self, importer: Importer, choice: Choice, incoming: Incoming, retry: RetryKey | None
    ) -> str:
        """Import the file from now on, or earlier if `retry` has been here before; the name of the task.

        Raises:
            IdempotencyKeyReused: the file is released, as always.
        """
        total = incoming.path.stat().st_size

        def unit(session: Session) -> tuple[str, bool]:
            def begin() -> str:
                return task_repository.begin(session, importer.user_id, self._owner, total)

            return once(session, importer.user_id, retry, begin, str)

        async with incoming.release as until:
            task_id, is_earlier = await self._db.write(unit)
            if not is_earlier:
                progress = _Progress()
                kept = Incoming(incoming.path, until.pop_all())
                self._begin(self._work(task_id, importer, choice, kept, progress), progress.stop, task_id)
        return task_id

    def _begin(self, work: Coroutine[Any, Any, T], stop: Stop, name: str) -> asyncio.Task[T]:
        if self._stopping:
            stop.ask(ImportInterrupted)
        task = asyncio.create_task(work, name=name)
        self._running[task] = stop
        task.add_done_callback(self._running.pop)
        return task

    async def _work(
        self, task_id: str, importer: Importer, choice: Choice, incoming: Incoming, progress: _Progress
    ) -> None:
        beat = asyncio.create_task(self._beat(task_id, progress))
        fenced = importer._replace(write=from_thread(lambda *args: self._db.write(_fenced, task_id, *args)))
        try:
            reading = self._read(fenced, choice, incoming, progress)
            ended = await _ended(importing.saying_what_stays(reading, choice), progress)
            await until_taken(self._db.write, task_repository.end, task_id, ended)
        finally:
            beat.cancel()

    async def _read(
        self, importer: Importer, choice: Choice, incoming: Incoming, progress: _Progress
    ) -> dict[str, Any]:
        async with incoming.release, self._turn:
            return await asyncio.to_thread(
                importing.run, incoming.path, importer, choice, progress.stop, progress.tell
            )

    async def _beat(self, task_id: str, progress: _Progress) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            try:
                wanted = await self._db.write(task_repository.progress, task_id, progress.counts)
                if not wanted.is_running:
                    progress.stop.ask(ImportInterrupted)
                if wanted.is_cancelled:
                    progress.stop.ask(ImportCancelled)
            except AppError as error:
                log.warning("the progress of an import waits for the database", error=error.code)

    async def follow(
        self, user_id: int, task_id: str, after: int, language: Language
    ) -> AsyncIterator[bytes]:
        """The frames of an import beyond event `after`: how far it is, then one that tells its end."""
        try:
            silent = 0.0
            while True:
                # Asked first: then what ended meanwhile is found ended.
                is_last = self._stopping and not self._running
                task = await self._find(user_id, task_id)
                if task.seq > after:
                    after, silent = task.seq, 0.0
                    yield stream.frame(task.seq, msgspec.json.encode(_event(task, language)))
                if task.state != ImportState.RUNNING or is_last:
                    return
                await asyncio.sleep(_POLL_SECONDS)
                silent += _POLL_SECONDS
                if silent >= _PING_SECONDS:
                    silent = 0.0
                    yield _PING
        except AppError as error:
            log.warning("a stream of an import ended; its client comes back", error=error.code)

    async def cancel(self, user_id: int, task_id: str) -> bool:
        """Let an import end after its present conversation, in whichever process; whether it runs still.

        Raises:
            ImportTaskNotFound
        """
        task = await self._find(user_id, task_id)
        if task.state == ImportState.RUNNING:
            await self._db.write(task_repository.cancel, task_id)
        return task.state == ImportState.RUNNING

    async def check(self, user_id: int, task_id: str) -> None:
        """Raises ImportTaskNotFound."""
        await self._find(user_id, task_id)

    async def _find(self, user_id: int, task_id: str) -> ImportTask:
        task, is_lost = await self._db.read(_owned, user_id, task_id)
        if is_lost:
            # After a machine slept, its own leases are over, too.
            here = [each.get_name() for each in self._running]
            await self._db.write(task_repository.interrupt_lost, here, alone=False)
            task, _ = await self._db.read(_owned, user_id, task_id)
        return task


async def _ended(reading: Coroutine[Any, Any, dict[str, Any]], progress: _Progress) -> Ended:
    try:
        report = await reading
    except AppError as error:
        state = _ENDS.get(type(error), ImportState.FAILED)
        return Ended(state, progress.counts, None, error.code, error.values)
    counts = progress.counts | {name: report[name] for name in _COUNTS}
    return Ended(ImportState.COMPLETE, counts, report)


def _fenced(session: Session, task_id: str, work: Callable[..., T], *args: Any) -> T:
    """`work`, undone where another process told meanwhile that its import ended: this one was asleep."""
    done = work(session, *args)
    # Last, for the row is locked then, and the next beat waits for it.
    if not task_repository.hold(session, task_id):
        raise ImportInterrupted
    return done


def _owned(session: Session, user_id: int, task_id: str) -> tuple[ImportTask, bool]:
    found = task_repository.find(session, user_id, task_id)
    if found is None:
        raise ImportTaskNotFound
    session.expunge(found[0])
    return found


def _event(task: ImportTask, language: Language) -> dict[str, Any]:
    if task.state == ImportState.COMPLETE:
        report = msgspec.Raw((task.report or "{}").encode())
        return {"type": "complete", "task_id": task.uuid, "report": report}
    counts = {name: getattr(task, name) for name in ("done", "total", *_COUNTS)}
    event = {"type": "progress", "task_id": task.uuid} | counts
    if task.error is None:
        return event
    sentence = translate(task.error, language, **(task.error_values or {}))
    kind = _KINDS.get(ImportState(task.state), task.state)
    return event | {"type": kind, "error": task.error, "message": sentence}
