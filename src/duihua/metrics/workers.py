"""The numbers of every worker of one parent: whichever is scraped asks the others, over a socket of each.

A connection reaches any of them, so a scrape of one would show another one each time. Nothing is shared or
kept up to date in between; a worker that does not answer is said to be down.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from duihua.metrics.exposition import Family, Kind, Sample

ANSWER_SECONDS = 1.0
_SUFFIX = ".sock"
_DECODER = msgspec.msgpack.Decoder(list[tuple[str, Kind, str, list[Sample]]])


class Workers:
    """The workers of one parent, of which this process is `number`; `folder` holds their sockets."""

    def __init__(self, folder: Path, number: int, of_this: Callable[[], Iterable[Family]]) -> None:
        self._folder, self._number, self._of_this = folder, number, of_this
        self._path = folder / f"{number}{_SUFFIX}"
        self._server: asyncio.Server | None = None
        self._inode = 0

    async def open(self) -> None:
        """Answer the others; in the place of an older worker of this number, which is about to end."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, self._path)
        self._inode = self._path.stat().st_ino

    def close(self) -> None:
        """End that."""
        if self._server is None:
            return
        self._server.close()
        if self._path.exists() and self._path.stat().st_ino == self._inode:
            self._path.unlink()
        # The parent may have been killed: the last one out takes the folder away.
        with suppress(OSError):
            self._folder.rmdir()

    async def families(self) -> list[Family]:
        """What every worker tells, each sample with the number of its worker."""
        numbers = {int(path.stem) for path in self._folder.glob("*" + _SUFFIX)} - {self._number}
        told = await asyncio.gather(*(self._ask(number) for number in sorted(numbers)))
        pages = dict(zip(sorted(numbers), told, strict=True)) | {self._number: list(self._of_this())}
        up = [
            Sample(int(page is not None), {"worker": str(number)}) for number, page in sorted(pages.items())
        ]
        return [
            Family("duihua_worker_up", "gauge", "Whether a worker has told its numbers.", up),
            *_merged({number: page for number, page in sorted(pages.items()) if page is not None}),
        ]

    async def _ask(self, number: int) -> list[Family] | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._folder / f"{number}{_SUFFIX}")
                try:
                    page = await reader.read(-1)
                finally:
                    writer.close()
            return [Family(*family) for family in _DECODER.decode(page)]
        except (OSError, msgspec.DecodeError):
            return None  # It was killed, hangs, or is being replaced.

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = [family._replace(samples=list(family.samples)) for family in self._of_this()]
        writer.write(msgspec.msgpack.encode(told))
        writer.close()


def _merged(pages: Mapping[int, Iterable[Family]]) -> Iterator[Family]:
    found: dict[str, Family] = {}
    samples: dict[str, list[Sample]] = {}
    for number, page in pages.items():
        for family in page:
            found.setdefault(family.name, family)
            samples.setdefault(family.name, []).extend(
                sample._replace(labels={"worker": str(number), **sample.labels}) for sample in family.samples
            )
    for name, family in found.items():
        yield family._replace(samples=samples[name])
