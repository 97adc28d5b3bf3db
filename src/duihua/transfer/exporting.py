"""Conversations as files, written piece by piece: whatever their size, a page of messages is in memory.

Everything here runs in a thread (compressing takes a processor) and asks the database by `read`, which waits
for `Database.read`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED

import msgspec
from zipstream import ZipStream

from duihua.conversations.access import ConversationNotFound
from duihua.core.filenames import extension_of, safe_name
from duihua.schemas.transfer import ExportFormat
from duihua.transfer import reading, rendering
from duihua.transfer.archive import FORMAT, VERSION, ArchivedMessage
from duihua.transfer.reading import Outline
from duihua.transfer.rendering import Reader

Read = Callable[..., Any]
_PAGE = 200
EXTENSIONS = {"json": ".json", "markdown": ".md", "txt": ".txt"}
CONTENT_TYPES = {
    "json": "application/json",
    "markdown": "text/markdown; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}


class Wanted(NamedTuple):
    """How conversations are written, and for whom."""

    format: ExportFormat
    with_system: bool
    reader: Reader


class ExportedFile(NamedTuple):
    """A file that is being written."""

    name: str
    pieces: Iterator[bytes]


def one(read: Read, user_id: int, reference: str, wanted: Wanted) -> ExportedFile:
    """A conversation as a file. Raises ConversationNotFound before anything is written."""
    outline = read(reading.outline, user_id, reference, with_system=wanted.with_system)
    # A slash in a title is no folder.
    title = outline.conversation.title.replace("/", "_").replace("\\", "_")
    name = safe_name(title + EXTENSIONS[wanted.format], fallback="对话" + EXTENSIONS[wanted.format])
    write = _json if wanted.format == "json" else _text
    return ExportedFile(name, write(read, outline, wanted))


def zipped(read: Read, user_id: int, references: Iterable[str], wanted: Wanted) -> Iterator[bytes]:
    """A zip of these conversations, one file each; what is deleted meanwhile is left out."""
    archive = ZipStream(compress_type=ZIP_DEFLATED)
    taken: set[str] = set()
    for reference in references:
        try:
            file = one(read, user_id, reference, wanted)
        except ConversationNotFound:
            continue
        archive.add(file.pieces, _unique(file.name, taken))
        yield from archive.all_files()
    yield from archive.finalize()


def _json(read: Read, outline: Outline, _: Wanted) -> Iterator[bytes]:
    head = msgspec.json.encode({"format": FORMAT, "version": VERSION, "conversation": outline.conversation})
    yield head[:-1] + b',"messages":['
    separator = b"\n"
    for page in _pages(read, outline, outline.parents):
        for message in page:
            yield separator + msgspec.json.encode(message)
            separator = b",\n"
    yield b"\n]}\n"


def _text(read: Read, outline: Outline, wanted: Wanted) -> Iterator[bytes]:
    head, body = _WRITERS[wanted.format]
    yield head(outline.conversation, wanted.reader).encode()
    for page in _pages(read, outline, outline.branch):
        yield "".join(body(message, wanted.reader) for message in page).encode()


_WRITERS = {
    "markdown": (rendering.markdown_head, rendering.markdown),
    "txt": (rendering.plain_head, rendering.plain),
}


def _pages(read: Read, outline: Outline, ids: Iterable[int]) -> Iterator[list[ArchivedMessage]]:
    remaining = list(ids)
    for start in range(0, len(remaining), _PAGE):
        yield read(reading.page, remaining[start : start + _PAGE], outline.parents)


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
