import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from duihua.db.session import Database
from tests.db.notes import make_table


@pytest.fixture
async def notes(database: Database) -> Database:
    """A database with the table of `tests.db.notes`."""
    await database.write(make_table)
    return database


def _mount(*arguments: object) -> None:
    command = ["mount", *map(str, arguments)]
    if os.name != "posix" or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system takes root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB of its own; skips where mounting is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    _mount("-t", "tmpfs", "-o", "size=2m", "duihua-test", place)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Path]]:
    """`read_only(folder)`: the same folder at another place, where nothing can be written."""
    place = tmp_path_factory.mktemp("read-only")

    def show(folder: Path) -> Path:
        _mount("--bind", folder, place)
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        return place

    yield show
    subprocess.run(["umount", "--lazy", place], check=False)
