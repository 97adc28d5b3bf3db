"""Which format a file has, and what is in it: a JSON text of a format of `texts`, or a zip of such."""

from collections.abc import Generator
from pathlib import Path

from duihua.transfer.formats import duihua_zip, texts
from duihua.transfer.found import Found, UnreadableFile


def found_in(path: Path) -> Generator[Found, None, None]:
    """As `formats.read`, without the files that a zip has beside its conversations. Raises UnreadableFile."""
    with path.open("rb") as file:
        head = file.read(texts.HEAD_BYTES)
        if not duihua_zip.detect(head, path):
            known = texts.format_of(head)
            if known is None:
                raise UnreadableFile(reason="is of no known format")
            file.seek(0)
            yield from known.archives(file)
            return
    yield from duihua_zip.read(path)
