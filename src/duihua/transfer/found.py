"""What an importer finds in a file: archives, and problems in their place."""

import io
from collections.abc import Callable
from datetime import datetime
from json import JSONDecodeError
from typing import Any, BinaryIO, NamedTuple, Self

import msgspec
from pydantic import ValidationError

from duihua.core.errors import AppError, InvalidInput
from duihua.core.i18n import messages_of
from duihua.http.body import MAX_PARTS, has_more_parts, parse
from duihua.schemas.conversation import GenerationSettings
from duihua.transfer.archive import FORMAT, VERSION, Archive, ArchivedMessage

# An archive is read whole, because a conversation is stored whole or not at all.
MOST_BYTES = 128 * 2**20
# Of 100 MiB of `{},` came four gigabytes. A message has about sixty parts.
_MOST_PARTS = 5_000_000
# Of one message: more than the longest reply that this server takes by itself, and what is beside it.
_MOST_CHARS, _MOST_BESIDE_BYTES, _MOST_BESIDE = 5_000_000, 4 * 2**20, MAX_PARTS
# Some programs begin a text with this mark.
BOM = b"\xef\xbb\xbf"


class UnreadableFile(InvalidInput):
    """The file is not what it claims; nothing of it was imported."""

    code = "import_unreadable"

    def __init__(self, *, reason: str) -> None:
        super().__init__(field="body.file", reason=reason)


class BrokenArchive(AppError):
    """One conversation cannot be imported; the others can."""

    code = "archive_broken"
    status = 422


messages_of(
    {
        "import_unreadable": (
            "无法导入该文件，未导入任何内容：{reason}",
            "The file cannot be imported, nothing of it was: it {reason}",
        ),
        "archive_broken": (
            "该对话无法导入，其余不受影响：{reason}",
            "This conversation cannot be imported, the others are not affected: {reason}",
        ),
        "already_imported": ("该对话已存在，未改动", "The conversation is there already; it was not changed"),
    }
)


def _none(_: str) -> None:
    return None


class Found(NamedTuple):
    """One conversation of a file, or why it cannot be read; `done` counts the bytes of the file so far.

    `open_file` gives the content of a file of its messages by id, until the next conversation is asked for;
    `program` is whose format it is, `kept` are the uuids of those of its files that are stored.
    """

    place: str
    content: Archive | BrokenArchive
    done: int
    open_file: Callable[[str], BinaryIO | None] = _none
    program: str = FORMAT
    kept: frozenset[str] = frozenset()

    @classmethod
    def of(cls, place: str, content: Archive | BrokenArchive, done: int, program: str = FORMAT) -> Self:
        """With the contents of files that the archive itself holds."""
        if isinstance(content, BrokenArchive):
            return cls(place, content, done, program=program)

        def open_file(file_id: str) -> BinaryIO | None:
            return io.BytesIO(content.files[file_id].content) if file_id in content.files else None

        return cls(place, content, done, open_file, program)


def check_parts(content: bytes) -> None:
    """Raises BrokenArchive where what is in this JSON would take far more memory than its text."""
    if has_more_parts(content, _MOST_PARTS):
        raise BrokenArchive(reason="holds more values than can be read")


def archive_or_problem(content: bytes) -> Archive | BrokenArchive:
    """The archive in these bytes, checked throughout, with its parents before their answers."""
    try:
        return _archive(content)
    except BrokenArchive as problem:
        return problem


def _archive(content: bytes) -> Archive:
    if len(content) > MOST_BYTES:
        raise BrokenArchive(reason=f"larger than {MOST_BYTES} bytes")
    check_parts(content)
    try:
        value = parse(content)
        archive = msgspec.convert(value, Archive)
        GenerationSettings.model_validate(archive.conversation.config)
    except JSONDecodeError as error:
        raise BrokenArchive(reason=f"not JSON: {error.msg}") from error
    except msgspec.ValidationError as error:
        raise BrokenArchive(reason=str(error)) from error
    except ValidationError as error:
        raise BrokenArchive(reason="config: " + error.errors()[0]["msg"]) from error
    if archive.format != FORMAT or archive.version != VERSION:
        raise BrokenArchive(reason=f"format {archive.format[:50]} {archive.version} is not known")
    _check_moments(archive.conversation.created_at, archive.conversation.updated_at)
    _check_beside(archive.conversation)
    for message in archive.messages:
        _check_moments(message.created_at, message.updated_at, *(r.created_at for r in message.revisions))
        _check_size(message)
    archive.messages = _parents_first(archive.messages)
    leaf = archive.conversation.active_leaf
    if leaf is not None and leaf not in {message.uuid for message in archive.messages}:
        raise BrokenArchive(reason="active_leaf is no message of it")
    return archive


def _check_moments(*moments: datetime) -> None:
    if not all(1900 <= moment.year <= 9998 for moment in moments):
        raise BrokenArchive(reason="times must lie between the years 1900 and 9998")


def _check_size(message: ArchivedMessage) -> None:
    """A message is stored at once, and everybody else waits."""
    texts = [message.content, message.reasoning or "", *(revision.content for revision in message.revisions)]
    if sum(map(len, texts)) > _MOST_CHARS:
        raise BrokenArchive(reason="a message has more than five million characters")
    _check_beside((message.message_metadata, message.files, message.error_values))


def _check_beside(value: Any) -> None:
    content = msgspec.json.encode(value)
    if len(content) > _MOST_BESIDE_BYTES or has_more_parts(content, _MOST_BESIDE):
        raise BrokenArchive(reason="holds more beside its texts than can be kept")


def _parents_first(messages: list[ArchivedMessage]) -> list[ArchivedMessage]:
    """The messages in their order, but for those that came before their parents."""
    by_uuid = {message.uuid: message for message in messages}
    if len(by_uuid) != len(messages):
        raise BrokenArchive(reason="two messages have the same uuid")
    ordered: dict[str, ArchivedMessage] = {}
    for message in messages:
        path: dict[str, ArchivedMessage] = {}
        node: ArchivedMessage | None = message
        while node is not None and node.uuid not in ordered:
            if node.uuid in path:
                raise BrokenArchive(reason="messages answer each other in a circle")
            path[node.uuid] = node
            if node.parent is not None and node.parent not in by_uuid:
                raise BrokenArchive(reason="a message answers one that is not there")
            node = by_uuid[node.parent] if node.parent is not None else None
        ordered.update(reversed(path.items()))
    return list(ordered.values())
