"""What can be imported, whichever format it has (`detecting`).

`read(path, stop)` yields what is in the file, one conversation at a time: an archive, or the problem that
stands in its place. It raises UnreadableFile where the file as a whole is not what it claims.
"""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from duihua.transfer.formats import detecting, duihua_zip
from duihua.transfer.found import Found
from duihua.transfer.threads import Stop

# To read so much takes some milliseconds, to start a process some hundreds.
SMALL_BYTES = 256 * 1024


def read(path: Path, stop: Stop) -> Generator[Found, None, None]:
    """The conversations of the file, read in a process of its own (that `stop` ends) unless it is small."""
    # Not above: it is also a program, and there this package is imported first.
    from duihua.transfer.formats import apart

    is_small = path.stat().st_size <= SMALL_BYTES and duihua_zip.unpacked_bytes(path) <= SMALL_BYTES
    reading = detecting.found_in(path) if is_small else apart.read(path, stop)
    with duihua_zip.Contents(path) as contents, closing(reading) as everything:
        for found in everything:
            yield found._replace(open_file=contents.opener(found))
