"""Importing: every conversation of a file, whole or not at all, and a report that counts all of them.

A conversation is in one transaction, also a long one: rows of half a conversation would be something that
every reader of messages had to know of. Short ones share theirs: a commit costs as much as the rows of one.
50,000 messages keep SQLite's one writer for about as long as a second; between two transactions everybody
else writes, and running replies are ahead of the queue.

Runs in a thread.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import structlog

from duihua.core.errors import AppError, Conflict, InvalidInput, TooLarge, Unavailable, UnsupportedMediaType
from duihua.core.i18n import Language, messages_of, translate
from duihua.db.errors import StorageFull, StorageUnavailable
from duihua.db.session import Database, open_database
from duihua.files.storage import FileStorageUnavailable
from duihua.files.uploading import Uploads
from duihua.http.field_errors import phrase
from duihua.http.repository import RetryKey
from duihua.models.user import LOCAL_USER_ID
from duihua.schemas.transfer import ImportQuery
from duihua.transfer import formats, storing
from duihua.transfer.archive import Archive, file_ids, named_files
from duihua.transfer.found import BrokenArchive, Found
from duihua.transfer.storing import Choice
from duihua.transfer.threads import Stop, from_thread
from duihua.vocabulary import Duplicates

log = structlog.get_logger()
T = TypeVar("T")
Progress = Callable[[int, dict[str, Any]], None]
_MOST_TOLD = 1000
_MESSAGES_AT_ONCE = 200
# A message counts once more for each of these characters.
_MANY_CHARS = 10_000


class ImportInterrupted(Unavailable):
    """The process that works on it stops, or has been given up by the others."""

    code = "import_interrupted"

    def __init__(self) -> None:
        # By then another process answers.
        super().__init__(retry_after=5)


class ImportCancelled(Conflict):
    """Its user wants it no longer."""

    code = "import_cancelled"


class ImportOutOfSpace(StorageFull):
    """There is no room for the rest of it."""

    code = "import_out_of_space"

    def __init__(self) -> None:
        super().__init__(retry_after=30)


class ImportBrokenOff(AppError):
    """It met a bug; the log says which."""

    code = "import_broken_off"


# Their own sentences say that nothing was stored.
_WITH_WHAT_STAYS: dict[type[AppError], Callable[[], AppError]] = {
    StorageFull: ImportOutOfSpace,
    StorageUnavailable: ImportInterrupted,
    FileStorageUnavailable: ImportInterrupted,
}

messages_of(
    {
        "import_interrupted": (
            "导入被中断，已完整导入的对话予以保留。再次导入同一文件只会补上缺少的",
            "The import was interrupted; what was imported stays. Import the file again: "
            "it adds only what is missing",
        ),
        "import_cancelled": (
            "导入已取消，已完整导入的对话予以保留。再次导入同一文件只会补上缺少的",
            "The import was cancelled; what was imported stays. Import the file again: "
            "it adds only what is missing",
        ),
        "import_out_of_space": (
            "磁盘空间不足，导入中止，已完整导入的对话予以保留。清理空间后再次导入同一文件，只会补上缺少的",
            "No disk space: the import ended, and what was imported stays. Free space, then import the file "
            "again: it adds only what is missing",
        ),
        "import_broken_off": (
            "服务器内部错误，导入中止，已完整导入的对话予以保留；原因见日志。再次导入同一文件只会补上缺少的",
            "Internal error; what was imported stays, and the log says what it was. Import the file again: "
            "it adds only what is missing",
        ),
    }
)


class Incoming(NamedTuple):
    """A file that lies on this machine's disk until `release`."""

    path: Path
    release: AsyncExitStack


class Importer(NamedTuple):
    """Who imports; `read`, `write` and `take_back` wait for those of the database and of the uploads."""

    read: Callable[..., Any]
    write: Callable[..., Any]
    take_back: Callable[..., Any]
    user_id: int
    language: Language

    @classmethod
    def of(cls, db: Database, uploads: Uploads, user_id: int, language: Language) -> Self:
        """For a thread beside the present event loop."""
        take_back = from_thread(uploads.take_back)
        return cls(from_thread(db.read), from_thread(db.write), take_back, user_id, language)


async def saying_what_stays(importing: Awaitable[T], choice: Choice) -> T:
    """What it returns; where it is more than a dry run, what it raises says that what came before is kept."""
    try:
        return await importing
    except AppError as error:
        for kind, named in _WITH_WHAT_STAYS.items():
            if isinstance(error, kind) and not choice.is_dry:
                raise named() from error
        raise
    except Exception as error:
        log.exception("an import was broken off")
        raise (AppError if choice.is_dry else ImportBrokenOff)() from error


def run(
    path: Path, importer: Importer, choice: Choice, stop: Stop, progress: Progress | None = None
) -> dict[str, Any]:
    """Import the file, or tell what it would do: `ImportReport`.

    `progress` is told the bytes of the file done and the report so far.

    Raises:
        UnreadableFile: it holds nothing that can be imported; nothing was changed.
        GroupNotFound, StorageFull, StorageUnavailable, FileStorageUnavailable, or why it was asked to stop:
            what came before is kept, and skipped next time.
    """
    stop.check()
    report: dict[str, Any] = dict.fromkeys(("imported", "updated", "skipped", "failed"), 0)
    report |= {"formats": [], "conversations": [], "errors": []}
    # An error keeps its frames, and they whatever reads the file, until somebody looks for garbage.
    with closing(formats.read(path, stop)) as everything:
        whole = everything if choice.is_dry else _with_files(everything, importer, choice, report)
        for some in _portions(whole):
            stop.check()
            _store(some, importer, choice, report)
            if progress is not None:
                progress(some[-1].done, report)
    return report


def _with_files(
    everything: Iterator[Found], importer: Importer, choice: Choice, report: dict[str, Any]
) -> Iterator[Found]:
    """What was found, its files stored: a conversation comes after whatever it shows."""
    for found in everything:
        kept: frozenset[str] = frozenset()
        if not isinstance(found.content, BrokenArchive):
            if file_ids(found.content.messages) and not (
                choice.duplicates == Duplicates.SKIP
                and importer.read(storing.is_there, importer.user_id, found.content)
            ):
                kept = _take_files(found, found.content, importer, report)
            found.content.files.clear()
        yield found._replace(kept=kept)


def _take_files(found: Found, archive: Archive, importer: Importer, report: dict[str, Any]) -> frozenset[str]:
    kept: dict[str, dict[str, Any]] = {}
    for file_id, name in named_files(archive.messages).items():
        try:
            content = found.open_file(file_id)
            if content is not None:
                with content:
                    kept[file_id] = importer.take_back(
                        importer.user_id, storing.as_uuid(file_id), name, content
                    )
        except (BrokenArchive, UnsupportedMediaType, InvalidInput, TooLarge) as error:
            problem = _problem(found, importer, name, error.code, **error.values)
            _tell(report["errors"], problem)
    for message in archive.messages:
        message.files = [_known(item, kept) for item in message.files]
    return frozenset(facts["id"] for facts in kept.values())


def _known(item: Any, kept: dict[str, dict[str, Any]]) -> Any:
    """What a message says of a file, with its id here, and whatever else only this server knows."""
    facts = kept.get(item["id"]) if isinstance(item, dict) and isinstance(item.get("id"), str) else None
    return facts | item | {"id": facts["id"], "url": facts["url"]} if facts else item


def _portions(everything: Iterator[Found]) -> Iterator[list[Found]]:
    """What is stored together: conversations of so many messages, or one that has more."""
    some: list[Found] = []
    messages = 0
    for found in everything:
        some.append(found)
        messages += 1 if isinstance(found.content, BrokenArchive) else _weight(found.content)
        if messages >= _MESSAGES_AT_ONCE:
            yield some
            some, messages = [], 0
    if some:
        yield some


def retry_key(key: str | None, sha256: str, query: ImportQuery) -> RetryKey | None:
    """The client's key with what stands for its request."""
    asked = f"POST /chat/import\n{query.model_dump_json()}\n{sha256}"
    return RetryKey(key, hashlib.sha256(asked.encode()).hexdigest()) if key else None


def into_database(
    url: str, path: Path, choice: Choice, progress: Progress, uploads_of: Callable[[Database], Uploads]
) -> dict[str, Any]:
    """Import the file for the local user into the database at `url`; its errors say what stays."""

    async def work() -> dict[str, Any]:
        db = open_database(url)
        try:
            importer = Importer.of(db, uploads_of(db), LOCAL_USER_ID, "en")
            importing = asyncio.to_thread(run, path, importer, choice, Stop(), progress)
            return await saying_what_stays(importing, choice)
        finally:
            await db.close()

    return asyncio.run(work())


def _weight(archive: Archive) -> int:
    return 1 + sum(1 + len(message.content) // _MANY_CHARS for message in archive.messages)


def _store(some: list[Found], importer: Importer, choice: Choice, report: dict[str, Any]) -> None:
    whole = [found for found in some if not isinstance(found.content, BrokenArchive)]
    archives = [found.content for found in whole]
    kept: frozenset[str] = frozenset().union(*(found.kept for found in whole))
    ask, unit = (importer.read, storing.foresee_all) if choice.is_dry else (importer.write, storing.store_all)
    try:
        stored: Iterator[Any] = iter(ask(unit, importer.user_id, archives, choice, kept) if archives else ())
    except storing.FilesGone as gone:
        _store([_unless_gone(found, gone) for found in some], importer, choice, report)
        return
    report["formats"] = list(dict.fromkeys(report["formats"] + [found.program for found in whole]))
    for found in some:
        if isinstance(found.content, BrokenArchive):
            problem = found.content
            report["failed"] += 1
            told = _problem(found, importer, None, problem.code, **problem.values)
            _tell(report["errors"], told)
        elif (conversation := next(stored)) is None:
            report["skipped"] += 1
            title = found.content.conversation.title
            _tell(report["errors"], _problem(found, importer, title, "already_imported"))
        else:
            report["imported" if conversation["is_new"] else "updated"] += 1
            _tell(report["conversations"], conversation)


def _unless_gone(found: Found, gone: storing.FilesGone) -> Found:
    if found.kept.isdisjoint(gone.uuids):
        return found
    broken = BrokenArchive(reason="its files were removed meanwhile; import it again")
    return found._replace(content=broken, kept=frozenset())


def _problem(found: Found, importer: Importer, title: str | None, code: str, **values: Any) -> dict[str, Any]:
    if "reason" in values:
        values["reason"] = phrase(values["reason"], importer.language)
    sentence = translate(code, importer.language, **values)
    return {"place": found.place, "title": title, "error": code, "message": sentence}


def _tell(items: list[Any], item: Any) -> None:
    if len(items) < _MOST_TOLD:
        items.append(item)
