"""Our own archives in a zip. No entry is ever written to a disk: a name is only told in reports."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from duihua.transfer.formats import duihua_json
from duihua.transfer.found import BrokenArchive, Found, UnreadableFile

_MOST_ENTRIES = 1_000_000
# A bomb is stopped where an archive is too large, and where all of them together are.
_MOST_UNPACKED = 64 * 2**30
_LONGEST_NAME = 200


def detect(head: bytes, path: Path) -> bool:
    """Whether it begins like a zip."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or zipfile.is_zipfile(path)


def read(path: Path) -> Iterator[Found]:
    """The archives of all entries. Raises UnreadableFile."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise UnreadableFile(reason="is a damaged or incomplete zip") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > _MOST_UNPACKED:
            raise UnreadableFile(reason="holds more than can be unpacked")
        done = 0
        for entry in entries:
            for found in _entry(archive, entry):
                yield found._replace(done=done)
            done += entry.compress_size


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[Found]:
    name = entry.filename[:_LONGEST_NAME]
    try:
        with archive.open(entry) as file:
            for found in duihua_json.archives(file):  # type: ignore[arg-type]  # it reads, which is all
                place = f"{name} {found.place}".strip()
                if not found.place and file.read(1):
                    yield Found(place, BrokenArchive(reason="larger than can be read"), 0)
                else:
                    # Read to the end, its checksum has been compared.
                    yield found._replace(place=place)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        yield Found(name, BrokenArchive(reason=f"damaged, or packed in a way that is not read: {error}"), 0)
