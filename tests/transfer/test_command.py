"""`duihua import FILE`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.transfer.test_import import archive, encoded


def duihua(database_url: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "duihua", *arguments]
    env["DATABASE_URL"] = database_url
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_is_imported_once(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "对话.jsonl"
    file.write_bytes(encoded(archive({"uuid": "a"}), archive()))
    first = duihua(database_url, "import", str(file))
    assert first.returncode == 0
    assert first.stdout.splitlines()[-1] == "2 imported, 0 updated, 0 skipped, 0 failed"
    again = duihua(database_url, "import", str(file))
    assert again.stdout.splitlines()[-1] == "0 imported, 0 updated, 2 skipped, 0 failed"
    file.write_bytes(b"PK\x03\x04")
    assert "nothing of it was" in duihua(database_url, "import", str(file)).stderr
