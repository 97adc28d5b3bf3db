"""`duihua copy`: from a SQLite file to PostgreSQL, and back."""

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from duihua.app import open_uploads
from duihua.conversations import service
from duihua.core.config import Config
from duihua.db.copying import NotEmpty, copy
from duihua.db.session import open_database
from duihua.models import User
from duihua.schemas.conversation import ConversationCreate
from duihua.search_index.rebuilding import DERIVED
from duihua.transfer.importing import into_database
from duihua.transfer.storing import Choice
from tests.transfer.test_command import duihua
from tests.transfer.test_import import archive, encoded


@pytest.fixture
def source(sqlite_template: Path, tmp_path: Path) -> Path:
    """A file with two imported conversations, and a column and its value that this program does not know."""
    path = tmp_path / "source.db"
    path.write_bytes(sqlite_template.read_bytes())
    file = tmp_path / "对话.jsonl"
    file.write_bytes(encoded(archive({"uuid": "a"}), archive()))
    uploads = partial(open_uploads, Config(data_dir=tmp_path))
    into_database(f"sqlite:///{path}", file, Choice(), lambda *_: None, uploads)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE conversations ADD COLUMN agent_state JSON")
        connection.execute("UPDATE conversations SET agent_state = ? WHERE id = 1", ('{"步": 1}',))
    return path


def copied(origin: str, target: str) -> None:
    copy(origin, target, User.metadata, DERIVED, lambda *_: None)


def rows(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """Every row of every table that holds content."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        tables = ("users", "chat_groups", "conversations", "messages", "changes", "tallies")
        return {
            table: {tuple(sorted(dict(row).items())) for row in connection.execute(f"SELECT * FROM {table}")}
            for table in tables
        }


def test_everything_comes_along_there_and_back(
    source: Path, postgres_database_url: str, tmp_path: Path
) -> None:
    command = duihua(f"sqlite:///{source}", "copy", postgres_database_url)
    assert command.returncode == 0, command.stderr
    back = tmp_path / "back.db"
    copied(postgres_database_url, f"sqlite:///{back}")
    assert rows(back) == rows(source)
    assert len(rows(back)["conversations"]) == 2


async def test_new_rows_are_numbered_beyond_the_copied(source: Path, postgres_database_url: str) -> None:
    await asyncio.to_thread(copied, f"sqlite:///{source}", postgres_database_url)
    database = open_database(postgres_database_url)
    try:
        made = await database.write(service.create, 1, ConversationCreate())
    finally:
        await database.close()
    assert made["id"] == 3


def test_what_is_in_the_way_stays(source: Path, postgres_database_url: str, tmp_path: Path) -> None:
    copied(f"sqlite:///{source}", postgres_database_url)
    with pytest.raises(NotEmpty, match="Name an empty database"):
        copied(f"sqlite:///{source}", postgres_database_url)
    back = tmp_path / "back.db"
    copied(postgres_database_url, f"sqlite:///{back}")
    assert rows(back) == rows(source)
