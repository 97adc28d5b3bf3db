"""What can be imported, whichever format it has (`detecting`).

`read(path)` yields what is in the file, one conversation at a time: an archive, or the problem that stands in
its place. It raises UnreadableFile where the file as a whole is not what it claims.
"""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from duihua.transfer.formats import detecting, duihua_zip
from duihua.transfer.found import Found

# To read so much takes some milliseconds, to start a process some hundreds.
SMALL_BYTES = 256 * 1024


def read(path: Path) -> Generator[Found, None, None]:
    """The conversations of the file, read in a process of their own unless it is small."""
    # Not above: it is also a program, and there this package is imported first.
    from duihua.transfer.formats import apart

    is_small = path.stat().st_size <= SMALL_BYTES and duihua_zip.unpacked_bytes(path) <= SMALL_BYTES
    read_from = detecting.found_in if is_small else apart.read
    with duihua_zip.Contents(path) as contents, closing(read_from(path)) as everything:
        for found in everything:
            yield found._replace(open_file=contents.opener(found))
