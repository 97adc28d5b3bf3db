"""The one file of a `multipart/form-data` body, as it comes: never the whole of it in memory or in /tmp."""

import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from duihua.core.errors import InvalidInput, TooLarge, UnsupportedMediaType
from duihua.core.i18n import messages_of
from duihua.http.body import within

_MOST_PARTS = 100
# What a body may hold besides the file: boundaries, headers, fields that nobody asked for.
_OVERHEAD_BYTES = 2**20
# RFC 5987. RFC 7578 forbids it in forms, and some clients send it nevertheless.
_EXTENDED_NAME = re.compile(rb"""filename\*\s*=\s*"?utf-8'[^';"]*'([^;\s"]+)""", re.IGNORECASE)

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


class MultipartExpected(UnsupportedMediaType):
    """The route takes a file."""

    code = "multipart_expected"


messages_of(
    {
        "multipart_expected": (
            "请以 multipart/form-data 上传文件，字段名为 file",
            "Send the file as multipart/form-data, in the field named file",
        )
    }
)


class Upload(NamedTuple):
    """A file that is being received: the name its sender gave it, and its bytes.

    `content` must be read to its end: only then is it known that the body was whole and held one file.
    """

    name: str
    content: AsyncIterator[bytes]


class _Part(NamedTuple):
    """The beginning of a part; `filename` is None where it is a plain field."""

    field: str
    filename: str | None


async def receive_file(request: Request, *, limit: int, field: str = "file") -> Upload:
    """The file in `field` of the request's body, of at most `limit` bytes.

    Raises (here or from `content`):
        MultipartExpected, TooLarge, InvalidInput.
    """
    pieces = _pieces(request, limit)
    async for piece in pieces:
        if isinstance(piece, _Part) and piece.field == field:
            if piece.filename is None:
                raise InvalidInput(field=f"body.{field}", reason="must be a file")
            return Upload(piece.filename, _content(pieces, field, limit))
    raise InvalidInput(field=f"body.{field}", reason="is required")


async def _content(pieces: AsyncIterator[_Part | bytes], field: str, limit: int) -> AsyncIterator[bytes]:
    size, is_over = 0, False
    async for piece in pieces:
        if isinstance(piece, _Part):
            is_over = True
            if piece.field == field:
                raise InvalidInput(field=f"body.{field}", reason="is given twice")
        elif not is_over:
            size += len(piece)
            if size > limit:
                raise TooLarge(limit=limit)
            yield piece


async def _pieces(request: Request, limit: int) -> AsyncIterator[_Part | bytes]:
    """The beginnings of the parts, each followed by its data."""
    reader = _Reader(_boundary(request))
    async for data in within(request, limit + _OVERHEAD_BYTES):
        for piece in reader.feed(data):
            yield piece
    if not reader.is_complete:
        raise InvalidInput(field="body", reason="was cut off")


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise MultipartExpected
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise InvalidInput(field="header.content-type", reason="has no boundary")
    return boundary


class _Reader:
    """The parser's callbacks, as a list of what each piece of the body held."""

    def __init__(self, boundary: bytes) -> None:
        self.is_complete = False
        self._found: list[_Part | bytes] = []
        self._parts = 0
        self._name, self._value = b"", b""
        self._disposition = b""
        callbacks: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise _malformed() from error

    def feed(self, data: bytes) -> list[_Part | bytes]:
        """What `data` adds. Raises InvalidInput."""
        self._found = []
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed() from error
        return self._found

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise InvalidInput(field="body", reason="has too many parts")
        self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        filename = options.get(b"filename")
        if extended := _EXTENDED_NAME.search(self._disposition):
            name: str | None = unquote(extended[1].decode("latin-1"))
        else:
            name = None if filename is None else _form_text(filename)
        self._found.append(_Part(_form_text(options.get(b"name", b"")), name))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._found.append(data[start:end])

    def _end(self) -> None:
        self.is_complete = True


def _form_text(value: bytes) -> str:
    """A name as clients send it: browsers escape three characters (WHATWG HTML, multipart form data).

    Others escape everything beyond ASCII, and old consoles in China send GB 18030.
    """
    for escaped, character in ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0A", b"\n")):
        value = value.replace(escaped, character)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("gb18030", "replace")
    unescaped = unquote(text, errors="replace")
    return text if unescaped.isascii() or "\ufffd" in unescaped else unescaped


def _malformed() -> InvalidInput:
    return InvalidInput(field="body", reason="is not valid multipart/form-data")
