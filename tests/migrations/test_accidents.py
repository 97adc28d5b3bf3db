"""Killed in the middle, started four times at once, with a backup that can be trusted, and in time."""

import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from duihua.db import migrate
from duihua.models import Conversation, Message
from tests.architecture.tree import ROOT
from tests.migrations.databases import Place
from tests.migrations.deployments import copied, many, wait_for_server
from tests.migrations.older import (
    WITH_CHATS,
    api_key,
    conversation,
    group,
    make_older,
    message,
    prompt,
)

# How many of the statements are the last of a process; set it to a hundred after a change of the upgrade.
PLACES = 4
# A process that is killed while a large transaction is partly in the file, as it was before WAL.
KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 2")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE messages SET content = content || hex(randomblob(2000))")
os.kill(os.getpid(), 9)
"""
UPGRADE = [sys.executable, "-m", "tests.migrations.upgrading"]


def fill(place: Place) -> None:
    """The deployment with chats, with a little of everything."""
    make_older(place, WITH_CHATS)
    place.insert("api_keys", [api_key(1)])
    place.insert("prompts", [prompt(1)])
    place.insert("chat_groups", [group(1, is_default="1")])
    place.insert("conversations", [conversation(n) for n in range(1, 6)])
    place.insert("messages", [message(n, 1 + n % 6, content="字" * 300) for n in range(1, 60)])


@pytest.mark.timeout(300)
def test_killed_anywhere_it_is_old_or_new(place: Place, tmp_path: Path) -> None:
    fill(place)
    old = place.content()
    with copied(place, tmp_path, 0) as whole:
        counted = subprocess.run([*UPGRADE, whole.url], cwd=ROOT, capture_output=True, check=True).stdout
        tables = whole.content().keys()
    assert int(counted) > 60
    # From before the first statement to the last, which is the commit.
    for number in (1 + (int(counted) - 1) * part // PLACES for part in range(PLACES + 1)):
        with copied(place, tmp_path, number) as victim:
            ended = subprocess.run([*UPGRADE, victim.url, str(number)], cwd=ROOT, check=False)
            assert ended.returncode == -signal.SIGKILL
            wait_for_server(victim)
            assert migrate.check(victim.url) is migrate.State.UPGRADABLE
            assert victim.content() == old
            migrate.upgrade(victim.url)
            assert victim.content().keys() == tables
            assert len(victim.models(Message)) == 59
            check_backup(victim, old)


def check_backup(place: Place, old: dict[str, list[str]]) -> None:
    """However often it was begun, an upgrade leaves one copy of what was there."""
    if place.dialect == "sqlite":
        (backup,) = place.path.parent.glob("*.backup-*")
        assert Place(f"sqlite:///{backup}").content() == old


def test_what_a_killed_backup_left_is_cleared_away(sqlite_place: Place) -> None:
    fill(sqlite_place)
    old = sqlite_place.content()
    for end in ("partial", "partial-journal"):
        sqlite_place.path.with_name(f"duihua.db.backup-legacy-20260101T000000000000Z.{end}").write_text(
            "half"
        )
    migrate.upgrade(sqlite_place.url)
    check_backup(sqlite_place, old)


def test_killed_at_any_moment_it_is_old_or_new(place: Place) -> None:
    many(place, 20_000)
    old = place.content()
    for milliseconds in (900, 1300):
        process = subprocess.Popen([*UPGRADE, place.url], cwd=ROOT, stdout=subprocess.DEVNULL)
        time.sleep(milliseconds / 1000)
        process.kill()
        process.wait()
        wait_for_server(place)
        if migrate.check(place.url) is migrate.State.CURRENT:
            break
        assert place.content() == old
    migrate.upgrade(place.url)
    assert len(place.models(Message)) == 20_000


def test_what_a_killed_process_left_half_written_is_undone_by_whoever_looks(sqlite_place: Place) -> None:
    many(sqlite_place, 500)
    old = sqlite_place.content()
    subprocess.run([sys.executable, "-c", KILLED, sqlite_place.path], check=False)
    assert Path(f"{sqlite_place.path}-journal").stat().st_size
    assert migrate.check(sqlite_place.url) is migrate.State.UPGRADABLE
    assert sqlite_place.content() == old


def test_four_processes_at_once(place: Place) -> None:
    many(place, 5_000)
    processes = [
        subprocess.Popen(
            [sys.executable, "run_migration.py", place.url], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert sum("nothing was changed" in words for words in said) == 3
    assert sum("every row was kept" in words for words in said) == 1
    assert len(place.models(Message)) == 5_000
    if place.dialect == "sqlite":
        assert len(list(place.path.parent.glob("*.backup-*"))) == 1


def test_four_processes_make_one_database(place: Place) -> None:
    processes = [
        subprocess.Popen([*UPGRADE, place.url], cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(4)
    ]
    assert [process.wait(timeout=60) for process in processes] == [0] * 4
    assert place.column("SELECT count(*) FROM users") == [1]
    assert place.column("SELECT count(*) FROM alembic_version") == [1]


def test_the_backup_is_an_equal_copy(sqlite_place: Place) -> None:
    fill(sqlite_place)
    with closing(sqlite3.connect(sqlite_place.path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    content = sqlite_place.content()
    report = migrate.upgrade(sqlite_place.url)
    assert report.backup is not None
    assert report.backup.name.startswith("duihua.db.backup-legacy-2")
    assert report.backup.parent == sqlite_place.path.parent
    assert str(report.backup) in str(report)
    backup = Place(f"sqlite:///{report.backup}")
    assert backup.content() == content
    assert backup.column("PRAGMA integrity_check") == ["ok"]
    assert backup.column("PRAGMA journal_mode") == ["delete"]
    assert stat.S_IMODE(report.backup.stat().st_mode) == 0o600
    # It is no less a database than the first was.
    assert migrate.upgrade(backup.url).rows == report.rows


def test_a_backup_that_fails_leaves_no_half_of_one(
    sqlite_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite_place)

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    opened = migrate.open_file

    class Full(sqlite3.Connection):
        backup = full

    def open_full(path: Path, mode: str) -> sqlite3.Connection:
        return (
            sqlite3.connect(path, factory=Full, isolation_level=None) if mode == "ro" else opened(path, mode)
        )

    monkeypatch.setattr(migrate, "open_file", open_full)
    content = sqlite_place.content()
    with pytest.raises(migrate.MigrationError, match="no room left"):
        migrate.upgrade(sqlite_place.url)
    assert list(sqlite_place.path.parent.glob("*.backup-*")) == []
    assert sqlite_place.content() == content


def test_fifty_thousand_messages_in_seconds(place: Place) -> None:
    many(place, 50_000)
    begun = time.monotonic()
    report = migrate.upgrade(place.url)
    # About 3 s on a small machine; the rest is for a busy one.
    assert time.monotonic() - begun < 45
    assert report.rows["messages"] == 50_000
    assert place.column("SELECT count(*) FROM messages WHERE parent_id IS NULL") == [1000]
    assert place.column("SELECT max(depth) FROM messages") == [49]
    assert {row["message_count"] for row in place.models(Conversation)} == {50}
