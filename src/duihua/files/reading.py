"""Reading documents that may be hostile: `python -m duihua.files.reading KIND MOST_CHARS < document`.

Runs in a process of its own, which gives up its right to much memory and time before it looks at a byte.
It writes the text and ends with 0, or with one of the statuses below; with any other where a parser tripped
over the document. It imports nothing else of ours but what takes its rights away.
"""

import io
import sys
import zipfile
from collections.abc import Iterable, Iterator

from duihua.core.isolated import give_up_rights

UNREADABLE, NO_DOCUMENT, LOCKED = 65, 66, 67
# What has been unpacked is as bounded as what was sent.
_MOST_ENTRIES = 10_000
_MOST_UNPACKED = 200 * 2**20
_MEMORY_BYTES = 1024 * 2**20
CPU_SECONDS = 20


def main() -> int:
    """Read what the arguments say from standard input; the exit status."""
    kind, most_chars = sys.argv[1], int(sys.argv[2])
    give_up_rights(memory_bytes=_MEMORY_BYTES, cpu_seconds=CPU_SECONDS)
    data = sys.stdin.buffer.read()
    try:
        pieces = _pdf(data) if kind == "pdf" else _docx(data)
        text = up_to(pieces, most_chars)
    except _Refused as refusal:
        return refusal.status
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


def up_to(pieces: Iterable[str], most_chars: int) -> str:
    """The pieces, a line each, until one more character than `most_chars` is there: then there is more."""
    taken, length = [], 0
    for piece in pieces:
        taken.append(piece)
        length += len(piece) + 1
        if length > most_chars + 1:
            break
    return "\n".join(taken)[: most_chars + 1]


def _pdf(data: bytes) -> Iterator[str]:
    import logging

    import pypdf

    logging.disable()
    document = pypdf.PdfReader(io.BytesIO(data))
    if document.is_encrypted and not document.decrypt(""):
        raise _Refused(LOCKED)
    if not len(document.pages):
        raise _Refused(UNREADABLE)
    return (page.extract_text().strip() for page in document.pages)


def _docx(data: bytes) -> Iterator[str]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise _Refused(UNREADABLE) from error
    entries = archive.infolist()
    if "word/document.xml" not in archive.namelist():
        raise _Refused(NO_DOCUMENT)
    if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > _MOST_UNPACKED:
        raise _Refused(UNREADABLE)
    import docx

    document = docx.Document(io.BytesIO(data))
    return (_block(block) for block in document.iter_inner_content())


def _block(block: object) -> str:
    rows = getattr(block, "rows", None)
    if rows is None:
        return str(getattr(block, "text", ""))
    return "\n".join("\t".join(cell.text for cell in row.cells) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
