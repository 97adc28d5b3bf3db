"""One server to a SQLite file."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from duihua.db.lock import DatabaseInUse, sole_server

_HOLD = """
import sys
from duihua.db.lock import sole_server
with sole_server(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_server_is_told_who_is_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'duihua.db'}"
    with sole_server(url):
        with pytest.raises(DatabaseInUse) as refusal, sole_server(url):
            raise AssertionError("both hold it")
        told = str(refusal.value)
        assert str(os.getpid()) in told
        assert str(tmp_path / "new" / "duihua.db") in told
        assert "DUIHUA_DATA_DIR" in told
    with sole_server(url):
        pass


def test_other_files_and_other_databases_are_free(tmp_path: Path) -> None:
    with sole_server(f"sqlite:///{tmp_path / 'a.db'}"), sole_server(f"sqlite:///{tmp_path / 'b.db'}"):
        pass
    with sole_server("postgresql://x/y"), sole_server("postgresql://x/y"):
        pass


async def test_a_killed_server_leaves_no_lock(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'duihua.db'}"
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, url, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        assert await holder.stdout.readline() == b"held\n"
        with pytest.raises(DatabaseInUse, match=str(holder.pid)), sole_server(url):
            raise AssertionError("both hold it")
    finally:
        holder.kill()
        await holder.wait()
    with sole_server(url):
        assert (tmp_path / "duihua.db.lock").read_text() == str(os.getpid())


def test_the_folder_is_private(tmp_path: Path) -> None:
    with sole_server(f"sqlite:///{tmp_path / 'data' / 'duihua.db'}"):
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
        assert (tmp_path / "data" / "duihua.db.lock").stat().st_mode & 0o077 == 0
