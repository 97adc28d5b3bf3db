"""Imports that go on when their request is gone, and whoever follows them.

How far an import is stands in the database, so that any process can tell. Its file does not outlive the
process that read it: what dies with that ends as `interrupted`, and importing the file again adds only what
is missing, because every conversation was stored whole or not at all.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import structlog

from duihua.core.errors import AppError, Conflict, NotFound
from duihua.core.i18n import Language, messages_of, translate
from duihua.db.session import Database, Session
from duihua.http.repository import RetryKey, once
from duihua.models import ImportTask
from duihua.schemas import stream
from duihua.transfer import importing, task_repository
from duihua.transfer.importing import Importer
from duihua.transfer.storing import Choice
from duihua.transfer.task_repository import Ended
from duihua.vocabulary import ImportState

log = structlog.get_logger()
_BEAT_SECONDS = 0.5
_POLL_SECONDS = 0.25
_PING_SECONDS = 15.0
_PING = b": ping\n\n"
_COUNTS = ("imported", "skipped", "failed")


class ImportTaskNotFound(NotFound):
    """No such import of this user."""

    code = "import_task_not_found"


class ImportInterrupted(Conflict):
    """The process that worked on it has stopped."""

    code = "import_interrupted"


class ImportCancelled(Conflict):
    """Its user wants it no longer."""

    code = "import_cancelled"


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
        "import_interrupted": (
            "导入被中断，已完整导入的对话予以保留。再次导入同一文件只会补上缺少的",
            "The import was interrupted; what was imported stays. Import the file again: "
            "it adds only what is missing",
        ),
        "import_stopping": ("导入将在当前对话之后停止", "The import ends after its present conversation"),
        "import_ended": ("导入已经结束", "The import has ended"),
        "import_cancelled": (
            "导入已取消，已完整导入的对话予以保留。再次导入同一文件只会补上缺少的",
            "The import was cancelled; what was imported stays. Import the file again: "
            "it adds only what is missing",
        ),
    }
)


class Incoming:
    """A file that lies on this machine's disk until `release`."""

    def __init__(self, path: Path, release: AsyncExitStack) -> None:
        self.path, self.release = path, release


class _Progress:
    """How far a thread is: written there, read here."""

    def __init__(self) -> None:
        self.counts: dict[str, Any] = {"done": 0} | dict.fromkeys(_COUNTS, 0)
        self.is_stopping = False
        self.is_cancelled = False

    def tell(self, done: int, report: dict[str, Any]) -> None:
        self.counts = {"done": done} | {name: report[name] for name in _COUNTS}
        self.check()

    def check(self) -> None:
        """Raises ImportCancelled, ImportInterrupted."""
        if self.is_cancelled:
            raise ImportCancelled
        if self.is_stopping:
            raise ImportInterrupted


class ImportTasks:
    """The imports of this process; one at a time reads its file."""

    def __init__(self, db: Database, owner: str) -> None:
        self._db, self._owner = db, owner
        self._running: dict[asyncio.Task[None], _Progress] = {}
        self._turn = asyncio.Semaphore(1)
        self._stopping = False

    async def open(self) -> None:
        """End what another process left behind."""
        await self._db.write(task_repository.interrupt_lost, alone=not self._db.is_shared)

    def stop(self) -> None:
        """Let every import end after its present conversation."""
        self._stopping = True
        for progress in self._running.values():
            progress.is_stopping = True

    async def close(self) -> None:
        """Stop, and wait for it."""
        self.stop()
        await asyncio.gather(*self._running, return_exceptions=True)

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
                progress.is_stopping = self._stopping
                kept = Incoming(incoming.path, until.pop_all())
                work = asyncio.create_task(self._work(task_id, importer, choice, kept, progress))
                self._running[work] = progress
                work.add_done_callback(self._running.pop)
        return task_id

    async def _work(
        self,
        task_id: str,
        importer: Importer,
        choice: Choice,
        incoming: Incoming,
        progress: _Progress,
    ) -> None:
        beat = asyncio.create_task(self._beat(task_id, progress))
        try:
            async with incoming.release, self._turn:
                progress.check()
                report = await asyncio.to_thread(
                    importing.run, incoming.path, importer, choice, progress.tell
                )
            counts = progress.counts | {name: report[name] for name in _COUNTS}
            ended = Ended(ImportState.COMPLETE, counts, report)
        except AppError as error:
            state = _ENDS.get(type(error), ImportState.FAILED)
            ended = Ended(state, progress.counts, None, error.code, error.values)
        finally:
            beat.cancel()
        await self._db.write(task_repository.end, task_id, ended)

    async def _beat(self, task_id: str, progress: _Progress) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            try:
                progress.is_cancelled = await self._db.write(
                    task_repository.progress, task_id, progress.counts
                )
            except AppError as error:
                log.warning("the progress of an import waits for the database", error=error.code)

    async def follow(
        self, user_id: int, task_id: str, after: int, language: Language
    ) -> AsyncIterator[bytes]:
        """The frames of an import beyond event `after`: how far it is, then one that tells its end."""
        try:
            silent = 0.0
            while True:
                task = await self._find(user_id, task_id)
                if task.seq > after:
                    after, silent = task.seq, 0.0
                    yield stream.frame(task.seq, msgspec.json.encode(_event(task, language)))
                if task.state != ImportState.RUNNING or (self._stopping and not self._running):
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
            await self._db.write(task_repository.interrupt_lost, alone=False)
            task, _ = await self._db.read(_owned, user_id, task_id)
        return task


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
