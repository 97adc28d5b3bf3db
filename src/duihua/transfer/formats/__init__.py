"""The formats that can be imported: each module has `detect` and `read`. A new format is a line here.

`detect(head, path)` tells by the content, never by the name. `read(path)` yields what is in the file, one
conversation at a time: an archive, or the problem that stands in its place. It raises UnreadableFile where
the file as a whole is not what it claims.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from duihua.transfer.formats import duihua_json, duihua_zip
from duihua.transfer.found import Found, UnreadableFile

_HEAD_BYTES = 64 * 1024


class Format(NamedTuple):
    """How one kind of file is recognised and read."""

    detect: Callable[[bytes, Path], bool]
    read: Callable[[Path], Iterator[Found]]


FORMATS = (Format(duihua_zip.detect, duihua_zip.read), Format(duihua_json.detect, duihua_json.read))


def read(path: Path) -> Iterator[Found]:
    """The conversations of the file, whichever format it has. Raises UnreadableFile."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for known in FORMATS:
        if known.detect(head, path):
            return known.read(path)
    raise UnreadableFile(reason="is of no known format")
