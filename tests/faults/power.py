"""Power loss on SQLite: a server's database as the disk had it, beside what clients had seen by then.

`power.c`, preloaded into the server, logs each write and each `fsync`. From the log the files are made as
they were on the disk when the power went: with what had been synced, and with none or any part of the rest.
"""

import asyncio
import random
import shutil
import sqlite3
import struct
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from duihua.schemas import stream
from tests.faults.driver import client_of, servers
from tests.faults.history import STREAM
from tests.faults.listener import Listener, listen, post

SOURCE = Path(__file__).with_name("power.c")
_HEADER = struct.Struct("=qqiiii")
_SECTOR = 512
_JOURNAL = (
    "SELECT uuid, seq, payload FROM generation_events JOIN generations ON id = generation_id ORDER BY seq"
)


class Operation(IntEnum):
    OPEN = 0
    WRITE = 1
    TRUNCATE = 2
    SYNC = 3
    UNLINK = 4


class Record(NamedTuple):
    """A call that has ended at `seconds`, of the clock that is `time.monotonic`."""

    seconds: float
    operation: Operation
    name: str
    offset: int
    data: bytes


def compiled(folder: Path) -> Path | None:
    """The library to preload; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "power.so"
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True
    )
    return library


def read(log: Path) -> Iterator[Record]:
    """The calls, in their order."""
    names: dict[tuple[int, int], str] = {}
    with log.open("rb") as file:
        while header := file.read(_HEADER.size):
            nanoseconds, offset, number, process, descriptor, length = _HEADER.unpack(header)
            data, operation = file.read(length), Operation(number)
            if operation in {Operation.OPEN, Operation.UNLINK}:
                names[process, descriptor] = Path(data.decode()).name
            yield Record(nanoseconds / 1e9, operation, names[process, descriptor], offset, data)


class Disk:
    """Files as the disk has them, and what of them it was told but not made to keep."""

    def __init__(self) -> None:
        self._kept: dict[str, bytearray] = {}
        self._told: defaultdict[str, list[Record]] = defaultdict(list)

    def take(self, record: Record) -> None:
        """The next call."""
        if record.operation is Operation.OPEN:
            self._kept.setdefault(record.name, bytearray())
        elif record.operation is Operation.UNLINK:
            self._kept.pop(record.name, None)
            self._told.pop(record.name, None)
        elif record.operation is Operation.SYNC:
            for told in self._told.pop(record.name, ()):
                _apply(self._kept[record.name], told)
        else:
            self._told[record.name].append(record)

    def lose_power(self, folder: Path, chance: random.Random | None) -> None:
        """Leave the files there: `chance` says what of the rest was kept, sector by sector; None: nothing."""
        for name, kept in self._kept.items():
            content = bytearray(kept)
            for told in self._told.get(name, ()) if chance else ():
                for part in _sectors(told):
                    if chance is not None and chance.random() < 0.5:
                        _apply(content, part)
            (folder / name).write_bytes(content)


def _apply(content: bytearray, record: Record) -> None:
    end = record.offset + len(record.data)
    if record.operation is Operation.TRUNCATE:
        del content[end:]
    content.extend(bytes(max(0, end - len(content))))
    content[record.offset : end] = record.data


def _sectors(record: Record) -> Iterator[Record]:
    for at in range(0, max(1, len(record.data)), _SECTOR):
        yield record._replace(offset=record.offset + at, data=record.data[at : at + _SECTOR])


class Losses(NamedTuple):
    """What was lost or broken in so many power losses, and how many events had been seen by the last."""

    problems: list[str]
    cuts: int
    events: int


async def lose_power(folder: Path, library: Path, cuts: int, *, synchronous: str = "full") -> Losses:
    """Replies, then the power loss after each of so many of the server's calls."""
    log, data = folder / "calls", folder / "data"
    data.mkdir()
    options = {"LD_PRELOAD": str(library), "POWER_LOG": str(log), "POWER_FILES": str(data / "duihua.db")}
    async with servers(data, DUIHUA_SYNCHRONOUS=synchronous, **options) as started:
        server = await started.start()
        async with client_of(server) as client:
            chats = [(await client.conversation())["uuid"] for _ in range(12)]
        script = {"tokens": 80, "rate": 40}
        began, listeners = time.monotonic(), []
        for chat in chats:
            body = {"chat_id": chat, "content": "问", "config": {"offline": script}}
            listeners.append(await listen(server.port, post(STREAM, body, key=chat)))
            await asyncio.sleep(0.1)
        assert all(await asyncio.gather(*(listener.ended for listener in listeners)))
        server.terminate()
        await server.ended()
    return await asyncio.to_thread(_losses, folder, [*read(log)], began, listeners, cuts)


def _losses(
    folder: Path, calls: Sequence[Record], began: float, listeners: Sequence[Listener], cuts: int
) -> Losses:
    disk, chance = Disk(), random.Random()
    during = [at for at, call in enumerate(calls) if call.seconds >= began]
    chosen = set(chance.sample(during, min(cuts, len(during))))
    shown = {str(listener.task_id): _shown(listener) for listener in listeners}
    problems = []
    for at, call in enumerate(calls):
        disk.take(call)
        if at in chosen:
            there = folder / f"cut-{at}"
            there.mkdir()
            disk.lose_power(there, chance if chance.random() < 0.5 else None)
            problems += [f"after call {at}: {problem}" for problem in _missing(there, shown, call.seconds)]
            shutil.rmtree(there)
    return Losses(problems, len(chosen), sum(map(len, shown.values())))


def _shown(listener: Listener) -> list[tuple[float, bytes]]:
    """Each event, and when its last byte had come."""
    found, end = [], 0
    for frame in listener.frames():
        end = listener.body.index(frame.raw, end) + len(frame.raw)
        found.append((next(seconds for seconds, length in listener.marks if length >= end), frame.raw))
    return found


def _missing(folder: Path, shown: dict[str, list[tuple[float, bytes]]], seconds: float) -> list[str]:
    kept: defaultdict[str, list[bytes]] = defaultdict(list)
    with closing(sqlite3.connect(folder / "duihua.db")) as database:
        try:
            problems = [text for (text,) in database.execute("PRAGMA integrity_check") if text != "ok"]
            for task, seq, payload in database.execute(_JOURNAL):
                kept[task].append(stream.frame(seq, payload.encode()))
        except sqlite3.DatabaseError as error:
            return [str(error)]
    for task, frames in shown.items():
        seen = [raw for at, raw in frames if at <= seconds]
        if kept[task][: len(seen)] != seen:
            problems.append(f"of {len(seen)} events that were shown, {len(kept[task])} are kept")
    return problems
