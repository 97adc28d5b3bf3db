"""The formats in JSON, alone or as entries of a zip: a new one is a line here.

`detect(head)` tells by the first bytes, never by the name. `archives(file)` yields what is in it, as
`formats.read` does.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from duihua.transfer.formats import duihua_json, others
from duihua.transfer.found import Found

HEAD_BYTES = 64 * 1024


class TextFormat(NamedTuple):
    """How one kind of JSON is recognised and read."""

    detect: Callable[[bytes], bool]
    archives: Callable[[BinaryIO], Iterator[Found]]


TEXT_FORMATS = (
    TextFormat(duihua_json.detect, duihua_json.archives),
    TextFormat(others.detect, others.archives),
)


def format_of(head: bytes) -> TextFormat | None:
    """The first that recognises a file which begins so."""
    return next((known for known in TEXT_FORMATS if known.detect(head)), None)
