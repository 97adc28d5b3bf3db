"""What can be imported: a JSON text of a format of `texts`, or a zip of such.

`read(path)` yields what is in the file, one conversation at a time: an archive, or the problem that stands in
its place. It raises UnreadableFile where the file as a whole is not what it claims.
"""

from collections.abc import Iterator
from pathlib import Path

from duihua.transfer.formats import duihua_zip, texts
from duihua.transfer.found import Found, UnreadableFile


def read(path: Path) -> Iterator[Found]:
    """The conversations of the file, whichever format it has. Raises UnreadableFile."""
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
