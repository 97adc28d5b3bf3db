"""A zip of what `texts` knows. No entry is ever written to a disk: a name is only told in reports."""

import contextlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self, TypeVar, cast

import msgspec

from duihua.transfer.archive import FILES_FOLDER
from duihua.transfer.formats import duihua_json, others, texts
from duihua.transfer.formats.told import mapping
from duihua.transfer.found import BrokenArchive, Found, UnreadableFile

P = TypeVar("P")
T = TypeVar("T")
_MOST_ENTRIES = 1_000_000
# A bomb is stopped where an archive is too large, and where all of them together are.
_MOST_UNPACKED = 64 * 2**30
_LONGEST_NAME = 200
# Any other name is that of an archive, and no archive.
_CONTENT = re.compile(re.escape(FILES_FOLDER) + "[0-9a-f-]{36}")
# What ChatGPT, Claude and DeepSeek call theirs.
_THEIRS = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json")
_NAMES = "conversation_asset_file_names.json"
# Some ten thousand names: they are parsed where everybody else waits.
_MOST_NAMES_BYTES = 4 * 2**20
_FILE_ID = re.compile(r"file[-_][0-9A-Za-z]+")
_NO_ZIP = (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError)
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError),
    UnicodeDecodeError,
)


def detect(head: bytes, path: Path) -> bool:
    """Whether it begins like a zip."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or zipfile.is_zipfile(path)


def unpacked_bytes(path: Path) -> int:
    """How much a zip says that it holds: no more than that is ever read. 0 for any other file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _unpacked_bytes(archive)
    except _NO_ZIP:
        return 0


def _unpacked_bytes(archive: zipfile.ZipFile) -> int:
    return sum(entry.file_size for entry in archive.infolist())


def read(path: Path) -> Iterator[Found]:
    """The archives of all entries, without the files beside them (`Contents`). Raises UnreadableFile."""
    try:
        archive = zipfile.ZipFile(path)
    except _NO_ZIP as error:
        raise UnreadableFile(reason="is a damaged or incomplete zip") from error
    with archive:
        if len(archive.infolist()) > _MOST_ENTRIES or _unpacked_bytes(archive) > _MOST_UNPACKED:
            raise UnreadableFile(reason="holds more than can be unpacked")
        entries, _, beside = _Listed.of(archive)
        done = 0
        for entry in entries:
            if entry not in beside:
                for found in _entry(archive, entry):
                    yield found._replace(done=done)
            done += entry.compress_size


class Contents:
    """The files that a zip has beside its conversations, and no other file has any.

    It is opened when the first is asked for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive: zipfile.ZipFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._archive is not None:
            self._archive.close()

    def opener(self, found: Found) -> Callable[[str], BinaryIO | None]:
        """How the files of this conversation are opened: those beside it, or else those that it holds."""

        def open_file(file_id: str) -> BinaryIO | None:
            if file_id not in self._files:
                return found.open_file(file_id)
            assert self._archive is not None
            return cast(BinaryIO, _Content(self._archive, self._files[file_id]))

        return open_file

    @cached_property
    def _files(self) -> Mapping[str, zipfile.ZipInfo]:
        try:
            self._archive = zipfile.ZipFile(self._path)
        except _NO_ZIP:
            return {}
        return _Listed.of(self._archive).contents


class _Listed(NamedTuple):
    """The entries of a zip: `contents` are of files, by their ids; what is `beside` is no conversation."""

    entries: list[zipfile.ZipInfo]
    contents: dict[str, zipfile.ZipInfo]
    beside: set[zipfile.ZipInfo]

    @classmethod
    def of(cls, archive: zipfile.ZipFile) -> Self:
        # `is_dir()` fails where there is no name (CPython 3.11).
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
        theirs = [entry for entry in entries if _is_theirs(archive, entry)]
        if theirs:
            return cls(entries, _their_contents(archive, entries), set(entries).difference(theirs))
        contents = _contents(entries)
        return cls(entries, contents, set(contents.values()))


def _contents(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip of ours, by their ids."""
    return {
        entry.filename.removeprefix(FILES_FOLDER): entry
        for entry in entries
        if _CONTENT.fullmatch(entry.filename)
    }


def _is_theirs(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether it holds conversations of another program: what is beside it is then none of its own."""
    if not _THEIRS.fullmatch(entry.filename):
        return False
    try:
        with archive.open(entry) as file:
            return others.detect(file.read(texts.HEAD_BYTES))
    except _DAMAGED:
        return True


def _their_contents(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The files of ChatGPT, by the ids that their names begin with; newer zips tell the names elsewhere."""
    names: dict[str, Any] = {}
    for entry in entries:
        if entry.filename.rpartition("/")[2] == _NAMES and entry.file_size <= _MOST_NAMES_BYTES:
            with contextlib.suppress(*_DAMAGED, ValueError, RecursionError):
                names = mapping(msgspec.json.decode(archive.read(entry)))
    found = {}
    for entry in entries:
        name = entry.filename.rpartition("/")[2]
        if known := _FILE_ID.match(str(names.get(entry.filename, names.get(name, name)))):
            found[known[0]] = entry
    return found


class _Content:
    """The content of a file; what is wrong with it is said as of an archive. Raises BrokenArchive."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        self._name = entry.filename
        self._file = self._checked(archive.open, entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        return self._checked(self._file.read, size)

    def _checked(self, work: Callable[[P], T], argument: P) -> T:
        try:
            return work(argument)
        except _DAMAGED as error:
            raise BrokenArchive(reason=f"{self._name} is damaged: {error}") from error


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[Found]:
    name = entry.filename[:_LONGEST_NAME]
    try:
        # Buffered, because the module's own `readline` may give more than it is asked for.
        raw = archive.open(entry)
        with io.BufferedReader(raw, texts.HEAD_BYTES) as file:  # type: ignore[type-var]  # it reads, which is all
            # What is of no known format is told as a broken archive of ours.
            known = texts.format_of(file.peek(texts.HEAD_BYTES))
            for found in (known.archives if known else duihua_json.archives)(file):
                place = f"{name} {found.place}".strip()
                if not found.place and file.read(1):
                    yield Found(place, BrokenArchive(reason="larger than can be read"), 0)
                else:
                    # Read to the end, its checksum has been compared.
                    yield found._replace(place=place)
    except _DAMAGED as error:
        yield Found(name, BrokenArchive(reason=f"damaged, or packed in a way that is not read: {error}"), 0)
