"""Small requests that ask for much: archives, documents and JSON that swell.

Each is refused, or taken as far as its limits go; the server's memory stays bounded, is given back, and its
event loop goes on meanwhile. Documents are read in a process of their own, which gives up its right to more
than a gigabyte (`duihua.files.reading`): that one is not counted here.
"""

import argparse
import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import NamedTuple

import aiohttp

from benchmarks.guarantees import Row
from benchmarks.watched_server import WatchedServer, watched_server
from tests.files import documents

_MIB = 2**20
# An archive is read whole: 128 MiB of bytes, and as many of text or of parsed values, several times over.
_MOST_MIB, _KEPT_MIB = 768, 64
_BLOCKED_SECONDS = 0.05
_BODY = 4 * _MIB - 100


def _zip(entries: int, megabytes: int, content: bytes = b" ", name: str = "%d.json") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(entries):
            with archive.open(name % number, "w", force_zip64=True) as entry:
                for _ in range(megabytes):
                    entry.write(content * (_MIB // len(content)))
    return buffer.getvalue()


def _repeated(piece: bytes, size: int, begin: bytes = b"[", end: bytes = b"]") -> bytes:
    return begin + piece * (size // len(piece)) + end


_OURS = b'{"format":"duihua","version":1,"messages":['
IMPORTS: dict[str, Callable[[], bytes]] = {
    "zip, 1 GiB of blanks": partial(_zip, 1, 1024),
    "zip, 20 archives of 10 MiB": partial(_zip, 20, 10, b"[{},{},"),
    "zip, ChatGPT's name on 1 GiB": partial(_zip, 1, 1024, b'{"mapping":', "conversations.json%.0s"),
    "zip, 100,000 entries": partial(_zip, 100_000, 0),
    "zip in a zip in a zip": lambda: documents.zipped(a=documents.zipped(b=_zip(1, 512))),
    "JSON, 100 MiB deep": partial(_repeated, b"[", 100 * _MIB, _OURS),
    "JSON, 100 MiB of objects": partial(_repeated, b"{},", 100 * _MIB, _OURS),
    "JSON, a text of 100 MiB": partial(_repeated, b"a", 100 * _MIB, _OURS + b'"', b'"]}'),
    "JSON, a list of 100 MiB": partial(_repeated, b'{"mapping":1},', 100 * _MIB),
}
UPLOADS: dict[str, Callable[[], bytes]] = {
    "DOCX of 201 MiB": documents.swollen_word,
    "DOCX of 26 million paragraphs": documents.deep_word,
    "PDF of 100 MB": documents.swollen_pdf,
    "zip, 100,000 entries": partial(_zip, 100_000, 0),
}
BODIES: dict[str, Callable[[], bytes]] = {
    "arrays, deep": partial(_repeated, b"[", _BODY),
    "arrays, many": partial(_repeated, b"[],", _BODY),
    "objects, many": partial(_repeated, b'{"a":1},', _BODY),
    "keys, many": lambda: b"{" + b",".join(b'"%x":0' % number for number in range(300_000)) + b"}",
    "numbers": partial(_repeated, b"1e9,", _BODY),
    "a text of escapes": partial(_repeated, rb"\u4f60", _BODY, b'{"title":"', b'"}'),
    "a number of a million digits": partial(_repeated, b"9", _MIB, b'{"title":', b"}"),
}


class Swelling(NamedTuple):
    """What came of one: how it was answered, and MiB and seconds of the server meanwhile."""

    name: str
    status: int
    most: float
    blocked: float


async def bombs(_: argparse.Namespace) -> list[Row]:
    """One after the other; the first ones twice, for what is allocated but once."""
    async with watched_server() as server:
        await _all(server, BODIES, "/chat/conversations")
        before = await server.now()
        found = await _all(server, BODIES, "/chat/conversations")
        found += await _all(server, UPLOADS, "/chat/upload")
        found += await _all(server, IMPORTS, "/chat/import")
        after = await server.settled(before, 20)
    return _rows(found, (after.resident - before.resident) / _MIB)


def _rows(found: list[Swelling], kept: float) -> list[Row]:
    failed = [each for each in found if each.status >= 500 or each.status == 0]
    largest = max(found, key=lambda each: each.most)
    longest = max(found, key=lambda each: each.blocked)
    name = f"G13 {len(found)} bombs"
    return [
        Row(f"{name}: 5xx", "0", ", ".join(each.name for each in failed) or "0", not failed),
        Row(
            f"{name}: most memory",
            f"<= {_MOST_MIB} MiB",
            f"{largest.most:.0f} MiB ({largest.name})",
            largest.most <= _MOST_MIB,
        ),
        Row(f"{name}: memory kept", f"<= {_KEPT_MIB} MiB", f"{kept:.0f} MiB", kept <= _KEPT_MIB),
        Row(
            f"{name}: event loop blocked",
            f"<= {_BLOCKED_SECONDS * 1000:g} ms",
            f"{longest.blocked * 1000:.0f} ms ({longest.name})",
            longest.blocked <= _BLOCKED_SECONDS,
        ),
    ]


async def _all(server: WatchedServer, bombs: dict[str, Callable[[], bytes]], path: str) -> list[Swelling]:
    return [each async for each in _each(server, bombs, path)]


async def _each(
    server: WatchedServer, bombs: dict[str, Callable[[], bytes]], path: str
) -> AsyncIterator[Swelling]:
    url = f"http://127.0.0.1:{server.port}{path}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(300)) as session:
        for name, make in bombs.items():
            content = io.BytesIO(await asyncio.to_thread(make))
            before = (await server.now()).resident
            asking = asyncio.create_task(_asked(session, url, content, is_file=bombs is not BODIES))
            most = blocked = 0.0
            while not asking.done():
                await asyncio.wait([asking], timeout=0.1)
                seen = await server.now()
                most, blocked = max(most, (seen.resident - before) / _MIB), max(blocked, seen.blocked)
            print(f"    {name}: {asking.result()}, {most:.0f} MiB, {blocked * 1000:.0f} ms", flush=True)
            yield Swelling(name, asking.result(), most, blocked)


async def _asked(session: aiohttp.ClientSession, url: str, content: io.BytesIO, *, is_file: bool) -> int:
    """The status; 0 where there was no answer."""
    data: aiohttp.FormData | io.BytesIO = content
    if is_file:
        data = aiohttp.FormData()
        data.add_field("file", content, filename="a")
    headers = {} if is_file else {"Content-Type": "application/json"}
    try:
        async with session.post(url, data=data, headers=headers) as answer:
            await answer.read()
            return answer.status
    except aiohttp.ClientError:
        return 0
