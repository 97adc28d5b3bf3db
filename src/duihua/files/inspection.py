"""What a file is, told by its content alone, and the text that is in it."""

import asyncio
import re
from pathlib import Path
from typing import NamedTuple

from duihua.core import isolated
from duihua.core.errors import UnsupportedMediaType
from duihua.core.filenames import extension_of
from duihua.core.i18n import messages_of
from duihua.files import reading
from duihua.providers.text import storable

# Offset, signature, type: https://mimesniff.spec.whatwg.org, and ISO 32000 for PDF.
_PICTURES = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP8", "image/webp"),
)
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PARSED = ((b"%PDF-", "pdf", "application/pdf"), (b"PK\x03\x04", "docx", _DOCX))
# Which kind of text it is: there the name may speak, for nothing that we do depends on it.
_TEXTS = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
}
# What no text has, whatever its encoding: C0 controls but tab, line ends, form feed and escape.
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_WALL_SECONDS = reading.CPU_SECONDS + 10


class UnsupportedFile(UnsupportedMediaType):
    """Neither a picture nor a document that this server reads."""

    code = "unsupported_file"


class FileUnreadable(UnsupportedMediaType):
    """The document is broken, or would take too much time or memory to read."""

    code = "file_unreadable"


class FileLocked(FileUnreadable):
    """The document opens only with a password."""

    code = "file_locked"


messages_of(
    {
        "unsupported_file": (
            "不支持此类文件，未保存。可上传：PNG、JPEG、GIF、WebP 图片，PDF、DOCX，以及任何纯文本",
            "This kind of file is not supported; it was not stored. Send PNG, JPEG, GIF or WebP pictures, "
            "PDF, DOCX, or any plain text",
        ),
        "file_unreadable": (
            "无法读取该文档：文件已损坏，或解析所需的时间或内存过多；未保存",
            "The document cannot be read: it is broken, or takes too much time or memory; it was not stored",
        ),
        "file_locked": (
            "该文档有密码保护，未保存。请去除密码后再上传",
            "The document is protected by a password; it was not stored. Remove the password, then send it",
        ),
    }
)


class Facts(NamedTuple):
    """What a file is; `text` is None for a picture. `is_cut`: the document has more text."""

    content_type: str
    text: str | None = None
    is_cut: bool = False


async def inspect(path: Path, name: str, most_chars: int) -> Facts:
    """What the file at `path` is, and the first `most_chars` characters of its text.

    Raises:
        UnsupportedFile, FileUnreadable, FileLocked.
    """
    head = await asyncio.to_thread(_head, path)
    for offset, signature, content_type in _PICTURES:
        if head[offset:].startswith(signature):
            return Facts(content_type)
    for signature, kind, content_type in _PARSED:
        if head.startswith(signature):
            text = await _read_apart(path, kind, most_chars)
            return _document(content_type, text, most_chars)
    text = await asyncio.to_thread(_plain_text, path)
    return _document(_TEXTS.get(extension_of(name), "text/plain"), text, most_chars)


def _document(content_type: str, text: str, most_chars: int) -> Facts:
    return Facts(content_type, storable(text[:most_chars]), len(text) > most_chars)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _plain_text(path: Path) -> str:
    data = path.read_bytes()
    encodings = ["utf-16"] if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _BINARY.search(text):
            return text
    raise UnsupportedFile


async def _read_apart(path: Path, kind: str, most_chars: int) -> str:
    """The text by way of `reading`, in a process that can be lost."""
    arguments, environment = isolated.command(reading.__name__, kind, str(most_chars))
    document = await asyncio.to_thread(path.open, "rb")
    with document:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=document,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
    try:
        async with asyncio.timeout(_WALL_SECONDS):
            text, _ = await process.communicate()
    except TimeoutError as error:
        raise FileUnreadable from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        refusals = {reading.NO_DOCUMENT: UnsupportedFile, reading.LOCKED: FileLocked}
        raise refusals.get(process.returncode, FileUnreadable)
    return text.decode("utf-8", "replace")
