"""The parsers that read foreign bytes, each with the errors that it may raise and examples to begin with.

A reader also checks what must hold of what it made of the bytes: AssertionError is never one of the errors.
"""

import asyncio
import io
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast

from starlette.requests import Request

from duihua.core.clock import now
from duihua.core.errors import InvalidInput, TooLarge, UnsupportedMediaType
from duihua.core.filenames import MOST_BYTES, safe_name
from duihua.core.pagination import decode_cursor, encode_cursor
from duihua.core.text import fold
from duihua.files.inspection import inspect
from duihua.generation.dependencies import RequestedPlace
from duihua.http.body import parse as parse_json
from duihua.http.multipart import receive_file
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import ProviderEventTooLarge
from duihua.providers.openai_reply import OpenAIReply
from duihua.providers.sse import SSEDecoder
from duihua.providers.text import storable
from duihua.search import snippets
from duihua.search_index import query as search_query
from duihua.transfer import pages, rendering
from duihua.transfer.archive import Archive, ArchivedMessage
from duihua.transfer.formats import duihua_zip, texts
from duihua.transfer.found import BrokenArchive, Found, UnreadableFile
from duihua.transfer.rendering import Reader
from duihua.vocabulary import Role
from tests.files.documents import GIF, PNG
from tests.fixtures.upstream import DONE, delta, event
from tests.transfer.test_import import archive, encoded, zipped
from tests.transfer.test_librechat import FLAT
from tests.transfer.test_programs import EVERY

_MOST = 1 << 16
_FILE = "0199d0a4-0000-7000-8000-000000000000"
_TEXT = '搜索 word "a phrase" -not 東京 ﬁ e\u0301 x1 <b>&amp;'.encode()
_MARKDOWN = (
    "# 标题\n\n> *a* **b** `c` ~~d~~\n\n1. [x](javascript:1)\n\n| a |\n|-|\n\n```py\n<script>\n~~~".encode()
)
_FORM = (
    b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename*=utf-8''%E6%B5%B7.txt\r\n"
    b"Content-Type: text/plain\r\n\r\nhello\r\n--b\r\n"
    b'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
)
_reader = Reader("zh", UTC)
_loop = asyncio.Runner()
_folder = TemporaryDirectory(prefix="duihua-fuzz-")
_file = Path(_folder.name, "file")


def _pieces(data: bytes) -> list[bytes]:
    """The bytes as they might come: the first says how large the pieces are."""
    size = max(1, data[0]) if data else 1
    return [data[at : at + size] for at in range(1, len(data), size)]


def _sse(data: bytes) -> None:
    decoder, whole = SSEDecoder(_MOST), SSEDecoder(_MOST)
    pieces = _pieces(data)
    cut = [found for piece in pieces for found in decoder.feed(piece)] + decoder.flush()
    assert cut == whole.feed(b"".join(pieces)) + whole.flush()


def _openai(data: bytes) -> None:
    reply = OpenAIReply(Endpoint("fuzz", "http://127.0.0.1:9/v1"), "m")
    for piece in [*_pieces(data), b""]:
        for said in reply.feed(piece) if piece or not reply.is_over else []:
            assert said.text == storable(said.text)
            assert said.reasoning == storable(said.reasoning)
        if reply.is_over:
            break
    failure = reply.verdict(None)
    assert failure is None or failure.code


def _search(data: bytes) -> None:
    keyword, _, text = data.decode("utf-8", "replace").partition("\n")
    asked, folded = search_query.parse(keyword), fold(text) or ""
    asked.matches(folded)
    for marked in (snippets.highlight(text, asked), snippets.passage(text, folded, asked)):
        assert "<" not in marked.replace("<mark>", "").replace("</mark>", "")


def _cursor(data: bytes) -> None:
    # No query takes a longer one.
    found = decode_cursor(data.decode("utf-8", "replace")[:1000], "a", bool, str, int)
    assert decode_cursor(encode_cursor("a", *found), "a", bool, str, int) == found


def _last_event_id(data: bytes) -> None:
    headers = [(b"last-event-id", line) for line in data.split(b"\n")]
    place = cast(Any, RequestedPlace).__metadata__[0].dependency
    found = _loop.run(place(Request({"type": "http", "headers": headers}), None))
    assert 0 <= found < 10**10


def _json(data: bytes) -> None:
    value = parse_json(data)
    assert parse_json(json.dumps(value).encode()) == value


def _import(data: bytes) -> None:
    known = texts.format_of(data[: texts.HEAD_BYTES])
    for found in known.archives(io.BytesIO(data)) if known else ():
        _shown(found)


def _zip(data: bytes) -> None:
    _file.write_bytes(data)
    with duihua_zip.Contents(_file) as contents:
        for found in duihua_zip.read(_file):
            _shown(found)
            if not isinstance(found.content, BrokenArchive):
                with suppress(BrokenArchive):
                    content = contents.opener(found)(_FILE)
                    assert content is None or len(content.read(_MOST)) <= _MOST


def _shown(found: Found) -> None:
    """What was read can be exported."""
    if isinstance(found.content, Archive):
        for show in (rendering.markdown_head, rendering.plain_head, pages.head):
            show(found.content.conversation, _reader).encode()
        for message in found.content.messages:
            for write in (rendering.markdown, rendering.plain, pages.message):
                write(message, _reader).encode()


def _markdown(data: bytes) -> None:
    message = ArchivedMessage("a", Role.ASSISTANT, storable(data.decode("utf-8", "replace")), now(), now())
    assert "<script" not in pages.message(message, _reader).lower()
    rendering.markdown(message, _reader).encode()


def _multipart(data: bytes) -> None:
    kind = data.partition(b"\n")[0] if data.startswith(b"multipart") else b"multipart/form-data; boundary=b"
    pieces = iter(_pieces(data.removeprefix(kind + b"\n")))

    async def receive() -> dict[str, Any]:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def read() -> None:
        request = Request({"type": "http", "headers": [(b"content-type", kind)]}, receive)
        found = await receive_file(request, limit=_MOST)
        assert sum([len(piece) async for piece in found.content]) <= _MOST
        name = safe_name(found.name)
        assert name and len(name.encode()) <= MOST_BYTES and not {"/", "\\", "\0"} & set(name)

    _loop.run(read())


def _attachment(data: bytes) -> None:
    # Documents are parsed in a process of their own, where anything may go wrong.
    if not data.startswith((b"%PDF-", b"PK\x03\x04")):
        _file.write_bytes(data)
        facts = _loop.run(inspect(_file, "a.md", 100))
        assert facts.text is None or (facts.text == storable(facts.text) and len(facts.text) <= 100)


class Parser(NamedTuple):
    """One reader, the errors it may raise, and bytes from which to begin."""

    read: Callable[[bytes], None]
    errors: tuple[type[Exception], ...]
    seeds: Sequence[bytes]


def _exported(*names: str) -> list[bytes]:
    return [json.dumps(shape).encode() for name in names for shape in (EVERY[name], [EVERY[name]] * 2)]


_OURS = encoded(archive({"uuid": "q"}, {"uuid": "a", "parent": "q", "role": "assistant", "reasoning": "想"}))
_SAID = (
    delta("你好") + delta("海", finish="stop") + event({"choices": [], "usage": {"total_tokens": 3}}) + DONE
)
_ERROR = event({"error": {"message": "no", "code": 429}})
_ZIPPED = zipped(**{"a.json": _OURS, f"files/{_FILE}": PNG})
# What is wrong with one conversation is told of it, and is no error.
PARSERS = {
    "SSE decoder": Parser(
        _sse, (ProviderEventTooLarge,), [b"\x07" + _SAID, b"\x01\xef\xbb\xbfdata\r\rdata:a\r\n\r\n"]
    ),
    "OpenAI chunks": Parser(
        _openai, (), [b"\xff" + _SAID, b"\x09" + _ERROR, b"\xff" + _SAID[6:100], b"\xff<title>502"]
    ),
    "search keyword": Parser(_search, (InvalidInput,), [_TEXT + b"\n" + _TEXT]),
    "cursor": Parser(
        _cursor, (InvalidInput,), [encode_cursor("a", True, "2026", 7).encode(), b"W1tbW1tbW1s"]
    ),
    "Last-Event-ID": Parser(_last_event_id, (InvalidInput,), [b"7", b"7\n8"]),
    "JSON body": Parser(
        _json, (json.JSONDecodeError,), [_exported("claude")[0], b'{"a": [1e9, -0, null, "\\ud83d"]}']
    ),
    "multipart": Parser(_multipart, (InvalidInput, TooLarge, UnsupportedMediaType), [b"\x40" + _FORM]),
    "attachment": Parser(
        _attachment,
        (UnsupportedMediaType,),
        [PNG, GIF, _TEXT, "你好".encode("utf-16"), "海".encode("gb18030")],
    ),
    "Markdown export": Parser(_markdown, (), [_MARKDOWN]),
    "import, ours": Parser(_import, (), [_OURS]),
    "import, zip": Parser(
        _zip, (UnreadableFile,), [_ZIPPED, zipped(**{"conversations.json": _exported("claude")[1]})]
    ),
    "import, ChatGPT": Parser(_import, (), _exported("chatgpt")),
    "import, Claude": Parser(_import, (), _exported("claude")),
    "import, DeepSeek": Parser(_import, (), _exported("deepseek")),
    "import, Open WebUI": Parser(_import, (), _exported("open_webui")),
    "import, LibreChat": Parser(_import, (), [*_exported("librechat"), json.dumps(FLAT).encode()]),
}
