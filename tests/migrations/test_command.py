"""`run_migration.py` as a person runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from duihua.db import migrate
from tests.architecture.tree import ROOT
from tests.migrations.databases import Place
from tests.migrations.older import FIRST, conversation, make_older


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, started from another folder."""
    command = [sys.executable, str(ROOT / "run_migration.py"), *arguments]
    return subprocess.run(
        command, cwd="/", env=os.environ | environment, capture_output=True, text=True, check=False
    )


def test_from_nothing_to_current(place: Place) -> None:
    checked = run("--check", place.url)
    assert (checked.returncode, checked.stdout) == (1, "empty: run_migration.py makes the schema\n")
    made = run(place.url)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == f"The database is now at revision {migrate.HEAD}.\n"
    assert run(place.url).stdout.endswith("nothing was changed.\n")
    checked = run(place.url, "--check")
    assert (checked.returncode, checked.stdout) == (0, "current: there is nothing to do\n")


def test_over_an_older_deployment(sqlite_place: Place) -> None:
    make_older(sqlite_place, FIRST)
    sqlite_place.insert("conversations", [conversation(1)])
    checked = run("--check", sqlite_place.url)
    assert (checked.returncode, checked.stdout.partition(":")[0]) == (1, "older")
    upgraded = run(sqlite_place.url)
    assert upgraded.returncode == 0
    assert "every row was kept: 0 of api_keys, 1 of conversations, 0 of prompts" in upgraded.stdout
    (backup,) = sqlite_place.path.parent.glob("*.backup-legacy-*")
    assert str(backup) in upgraded.stdout


def test_a_refusal_is_a_sentence_and_a_code(place: Place) -> None:
    place.run("CREATE TABLE messages (id INTEGER PRIMARY KEY)")
    for arguments in ([place.url], [place.url, "--check"]):
        refused = run(*arguments)
        assert refused.returncode == 1
        assert "table messages has no column" in refused.stdout + refused.stderr
        assert "Traceback" not in refused.stderr
    assert run(place.url).stdout == ""


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "postgresql://postgres@127.0.0.1:1/x"])
def test_a_url_that_leads_nowhere(url: str) -> None:
    refused = run(url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_the_database_is_the_configured_one(tmp_path: Path) -> None:
    assert run(DUIHUA_DATA_DIR=str(tmp_path / "data")).returncode == 0
    assert migrate.is_current(f"sqlite:///{tmp_path / 'data' / 'duihua.db'}")
    assert run(DATABASE_URL=f"sqlite:///{tmp_path / 'other.db'}").returncode == 0
    assert migrate.is_current(f"sqlite:///{tmp_path / 'other.db'}")


@pytest.mark.parametrize(
    ("arguments", "dialect"),
    [(["--sql"], "postgresql"), (["--sql", "postgresql"], "postgresql"), (["--sql", "sqlite"], "sqlite")],
)
def test_the_sql_is_printed(arguments: list[str], dialect: str) -> None:
    assert run(*arguments).stdout == (
        migrate.render_sql("postgresql") if dialect == "postgresql" else migrate.render_sql("sqlite")
    )
