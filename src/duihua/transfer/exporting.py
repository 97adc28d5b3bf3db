"""Conversations as files, written piece by piece: whatever their size, a page of messages is in memory.

Everything here runs in a thread (compressing takes a processor) and asks the database by `read`, which waits
for `Database.read`.
"""

import binascii
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, Self
from zipfile import ZIP_DEFLATED

import msgspec
from zipstream import ZipStream

from duihua.conversations.access import ConversationNotFound
from duihua.core.filenames import extension_of, safe_name
from duihua.files import service as files_service
from duihua.files.service import Content
from duihua.files.storage import FileContentMissing
from duihua.schemas.transfer import ChosenExportForm, EveryExportQuery, ExportFormat, ExportOptions
from duihua.transfer import pages, reading, rendering
from duihua.transfer.archive import FILES_FOLDER, FORMAT, VERSION, ArchivedMessage, file_ids
from duihua.transfer.reading import Outline
from duihua.transfer.rendering import Reader

Read = Callable[..., Any]
_PAGE = 200
# Of all files of one json, in bytes before they are base64: an archive is read whole.
_MOST_EMBEDDED = 32 * 2**20
EXTENSIONS = {"json": ".json", "markdown": ".md", "txt": ".txt", "html": ".html"}
CONTENT_TYPES = {
    "json": "application/json",
    "markdown": "text/markdown; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
}


class Wanted(NamedTuple):
    """How conversations are written, and for whom; `open_file` gives the content of a file by its key.

    Without it, json has no contents. `branches`: all of them, or the shown one; None is as the format has it.
    """

    format: ExportFormat
    with_system: bool
    reader: Reader
    open_file: Callable[[str], Iterator[bytes]] | None = None
    branches: bool | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has every branch: to be imported again, if nobody says otherwise."""
        return self.format == "json" if self.branches is None else self.branches

    @classmethod
    def of(
        cls,
        options: ExportOptions | EveryExportQuery | ChosenExportForm,
        reader: Reader,
        files: Callable[[str], Iterator[bytes]],
    ) -> Self:
        """As these options have it."""
        contents = files if options.attachments else None
        return cls(options.format, options.include_system_messages, reader, contents, options.branches)


class ExportedFile(NamedTuple):
    """A file that is being written; once `pieces` have been taken, `files` are the ids of those in it."""

    name: str
    pieces: Iterator[bytes]
    files: dict[str, None]


def one(read: Read, user_id: int, reference: str, wanted: Wanted, *, embeds: bool = True) -> ExportedFile:
    """A conversation as a file; json `embeds` the contents of its files, so far as there is room.

    Raises ConversationNotFound before anything is written.
    """
    options = {"with_system": wanted.with_system, "is_whole": wanted.is_whole}
    outline = read(reading.outline, user_id, reference, **options)
    # A slash in a title is no folder.
    title = outline.conversation.title.replace("/", "_").replace("\\", "_")
    name = safe_name(title + EXTENSIONS[wanted.format], fallback="对话" + EXTENSIONS[wanted.format])
    if wanted.format != "json":
        return ExportedFile(name, _text(read, outline, wanted), {})
    files: dict[str, None] = {}
    embedded = _embedded(read, user_id, wanted, files) if embeds else iter(())
    return ExportedFile(name, _json(read, outline, files, embedded), files)


def zipped(read: Read, user_id: int, references: Iterable[str], wanted: Wanted) -> Iterator[bytes]:
    """A zip of these conversations, one file each; what is deleted meanwhile is left out."""
    archive = ZipStream(compress_type=ZIP_DEFLATED)
    taken: set[str] = set()
    written: dict[str, None] = {}
    for reference in references:
        try:
            file = one(read, user_id, reference, wanted, embeds=False)
        except ConversationNotFound:
            continue
        archive.add(file.pieces, _unique(file.name, taken))
        yield from archive.all_files()
        for content, pieces in _contents(read, user_id, wanted, file.files.keys() - written.keys()):
            archive.add(pieces, FILES_FOLDER + content.key)
            yield from archive.all_files()
        written |= file.files
    yield from archive.finalize()


def _json(read: Read, outline: Outline, files: dict[str, None], embedded: Iterator[bytes]) -> Iterator[bytes]:
    head = msgspec.json.encode({"format": FORMAT, "version": VERSION, "conversation": outline.conversation})
    yield head[:-1] + b',"messages":['
    separator = b"\n"
    for page in _pages(read, outline, sorted(outline.order)):
        files.update(dict.fromkeys(file_ids(page)))
        for message in page:
            yield separator + msgspec.json.encode(message)
            separator = b",\n"
    yield b"\n]"
    yield from embedded
    yield b"}\n"


def _embedded(read: Read, user_id: int, wanted: Wanted, files: dict[str, None]) -> Iterator[bytes]:
    """The contents of `files` as a field of the archive, those for which there is room."""
    separator = b',"files":{\n'
    for content, pieces in _contents(read, user_id, wanted, files, room=_MOST_EMBEDDED):
        yield separator + msgspec.json.encode(content.key) + b':{"content":"'
        yield from _base64(pieces)
        yield b'"}'
        separator = b",\n"
    if separator == b",\n":
        yield b"}"


def _base64(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        data = rest + piece
        whole = len(data) - len(data) % 3
        yield binascii.b2a_base64(data[:whole], newline=False)
        rest = data[whole:]
    yield binascii.b2a_base64(rest, newline=False)


def _contents(
    read: Read, user_id: int, wanted: Wanted, ids: Collection[str], *, room: float = math.inf
) -> Iterator[tuple[Content, Iterator[bytes]]]:
    """Those of these files that are there, so far as `room` has bytes for them, with their contents."""
    if wanted.open_file is None or not ids:
        return
    for content in read(files_service.contents_of, user_id, list(ids)):
        if content.size <= room:
            with suppress(FileContentMissing):
                yield content, wanted.open_file(content.key)
                room -= content.size


def _text(read: Read, outline: Outline, wanted: Wanted) -> Iterator[bytes]:
    head, body = _WRITERS[wanted.format]
    yield head(outline.conversation, wanted.reader).encode()
    for page in _pages(read, outline, outline.order):
        said = (body(message, wanted.reader, outline.versions.get(message.uuid)) for message in page)
        yield "".join(said).encode()


_WRITERS = {
    "markdown": (rendering.markdown_head, rendering.markdown),
    "txt": (rendering.plain_head, rendering.plain),
    "html": (pages.head, pages.message),
}


def _pages(read: Read, outline: Outline, ids: Iterable[int]) -> Iterator[list[ArchivedMessage]]:
    remaining = list(ids)
    for start in range(0, len(remaining), _PAGE):
        yield read(reading.page, remaining[start : start + _PAGE], outline)


def _unique(name: str, taken: set[str]) -> str:
    """`name`, numbered where a file system that ignores case has it already."""
    extension = extension_of(name)
    stem = name[: len(name) - len(extension)]
    unique, number = name, 1
    while unique.casefold() in taken:
        number += 1
        unique = f"{stem} ({number}){extension}"
    taken.add(unique.casefold())
    return unique
