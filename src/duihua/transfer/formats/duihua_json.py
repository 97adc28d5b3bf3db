"""Our own archives in JSON: one, or one a line."""

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from duihua.transfer.found import BOM, MOST_BYTES, BrokenArchive, Found, archive_or_problem, check_parts

_OURS = re.compile(rb'\s*\{(?=.{0,1000}"format"\s*:\s*"duihua")', re.DOTALL)


def detect(head: bytes) -> bool:
    """Whether the first object says that it is ours."""
    return _OURS.match(head.removeprefix(BOM)) is not None


def archives(file: BinaryIO) -> Iterator[Found]:
    """One archive where the first line is not a whole one, else an archive a line."""
    first = file.readline(MOST_BYTES + 1).removeprefix(BOM)
    if not _is_whole(first.rstrip()):
        content = first + file.read(MOST_BYTES + 1 - len(first))
        yield Found.of("", archive_or_problem(content), len(content))
        return
    number, done, line = 1, 0, first
    while line:
        done += len(line)
        if line.strip():
            yield Found.of(f"line {number}", archive_or_problem(line.rstrip()), done)
        if len(line) > MOST_BYTES:
            yield Found(f"line {number}", BrokenArchive(reason="what follows was not read"), done)
            return
        line, number = file.readline(MOST_BYTES + 1), number + 1


def _is_whole(line: bytes) -> bool:
    if not line.endswith(b"}"):
        return False
    try:
        check_parts(line)
        msgspec.json.decode(line)
    except BrokenArchive:
        # Whatever it is, what follows stands for itself.
        return True
    except (ValueError, RecursionError):
        # Not JSON, not UTF-8 or nested too deep: as an archive it is broken, what follows stands for itself.
        return line.endswith(b"]}")
    return True
