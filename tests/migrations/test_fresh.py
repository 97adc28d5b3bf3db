"""From nothing, the database is exactly what the models say."""

import asyncio
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from duihua.db import migrate
from duihua.models import ChatGroup, User
from tests.architecture.tree import ROOT
from tests.migrations.databases import Place, new_place
from tests.migrations.schemas import create_all, differences, schema

SQL_FILE = ROOT / "migrations" / "add_chat_models.sql"


@pytest.fixture
def from_models(place: Place, tmp_path: Path) -> set[str]:
    """The schema that the models make by themselves."""
    (tmp_path / "models").mkdir()
    with new_place(place.dialect, tmp_path / "models") as models:
        create_all(models)
        return schema(models)


def test_a_new_database_is_what_the_models_say(place: Place, from_models: set[str]) -> None:
    assert migrate.check(place.url) is migrate.State.EMPTY
    report = migrate.upgrade(place.url)
    assert report.found == migrate.Finding(migrate.State.EMPTY)
    assert (report.backup, report.rows) == (None, {})
    assert schema(place) == from_models
    assert differences(place) == []


def test_a_new_database_has_its_user_and_its_group(place: Place) -> None:
    migrate.upgrade(place.url)
    (user,) = place.models(User)
    (group,) = place.models(ChatGroup)
    assert (user["id"], user["name"], len(user["uuid"])) == (1, "local", 36)
    assert (group["name"], group["is_default"], group["user_id"]) == ("默认分组", True, 1)
    assert abs(datetime.now(UTC) - user["created_at"]) < timedelta(minutes=1)
    assert group["created_at"].tzinfo is UTC


def test_ids_go_on_after_those_that_the_revision_gave(postgres_place: Place) -> None:
    migrate.upgrade(postgres_place.url)
    assert postgres_place.column("SELECT nextval('users_id_seq')") == [2]
    assert postgres_place.column("SELECT nextval('chat_groups_id_seq')") == [2]
    assert postgres_place.column("SELECT nextval('messages_id_seq')") == [1]


def test_again_changes_nothing(place: Place, tmp_path: Path) -> None:
    migrate.upgrade(place.url)
    content, files = place.content(), sorted(tmp_path.iterdir())
    held = place.path.read_bytes() if place.dialect == "sqlite" else b""
    report = migrate.upgrade(place.url)
    assert report == migrate.MigrationReport(migrate.Finding(migrate.State.CURRENT, migrate.HEAD))
    assert "nothing was changed" in str(report)
    assert place.content() == content
    assert sorted(tmp_path.iterdir()) == files
    assert place.dialect != "sqlite" or place.path.read_bytes() == held


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'folder' / 'duihua.db'}"
    assert migrate.check(url) is migrate.State.EMPTY
    assert not migrate.is_current(url)
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "a 100% folder #1" / "duihua.db"
    migrate.upgrade(f"sqlite:///{path}")
    assert [*tmp_path.iterdir(), *path.parent.iterdir()] == [path.parent, path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_extra_tables_of_a_file_are_backed_up_and_kept(sqlite_place: Place) -> None:
    sqlite_place.run("CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('mine')")
    assert migrate.check(sqlite_place.url) is migrate.State.EMPTY
    report = migrate.upgrade(sqlite_place.url)
    assert report.backup is not None
    assert Place(f"sqlite:///{report.backup}").content() == {"notes": ["{'text': 'mine'}"]}
    assert sqlite_place.column("SELECT text FROM notes") == ["mine"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_spelling_of_a_url(postgres_place: Place, scheme: str) -> None:
    url = postgres_place.url.replace("postgresql", scheme, 1)
    migrate.upgrade(url)
    assert migrate.is_current(url)
    assert migrate.check(url) is migrate.State.CURRENT


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_other_databases_are_named_as_a_mistake(url: str) -> None:
    for function in (migrate.is_current, migrate.check, migrate.upgrade):
        with pytest.raises(ValueError, match="DATABASE_URL"):
            function(url)


def test_it_is_current_only_at_the_newest_revision(place: Place) -> None:
    assert not migrate.is_current(place.url)
    migrate.upgrade(place.url)
    assert migrate.is_current(place.url)
    place.run("DELETE FROM alembic_version")
    assert not migrate.is_current(place.url)


def test_the_known_head_is_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(migrate._config()).get_heads() == [migrate.HEAD]


def test_asking_whether_it_is_current_needs_no_alembic(sqlite_place: Place) -> None:
    migrate.upgrade(sqlite_place.url)
    program = (
        "import sys\nfrom duihua.db import migrate\n"
        f"assert migrate.is_current({sqlite_place.url!r})\nassert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


async def test_a_running_loop_calls_it_in_a_thread(postgres_place: Place) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.005)

    beating = asyncio.create_task(beat())
    await asyncio.to_thread(migrate.upgrade, postgres_place.url)
    assert await asyncio.to_thread(migrate.is_current, postgres_place.url)
    beating.cancel()
    assert beats > 5


def test_the_sql_file_is_rendered_from_the_revisions() -> None:
    command = "python run_migration.py --sql postgresql > migrations/add_chat_models.sql"
    assert SQL_FILE.read_text(encoding="utf-8") == migrate.render_sql("postgresql"), command
    assert command in SQL_FILE.read_text(encoding="utf-8")


def test_the_sql_file_makes_a_current_database(postgres_place: Place, tmp_path: Path) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("no psql")
    command = [psql, "-q", "-v", "ON_ERROR_STOP=1", "-d", postgres_place.url, "-f", str(SQL_FILE)]
    subprocess.run(command, check=True)
    assert migrate.check(postgres_place.url) is migrate.State.CURRENT
    made = schema(postgres_place)
    with new_place("postgresql", tmp_path) as migrated:
        migrate.upgrade(migrated.url)
        assert made == schema(migrated)
        assert postgres_place.column("SELECT name FROM users") == migrated.column("SELECT name FROM users")


def test_the_sql_for_sqlite_makes_a_current_database(sqlite_place: Place, tmp_path: Path) -> None:
    sql = migrate.render_sql("sqlite")
    sqlite_place.run(sql.replace("BEGIN;", "").replace("COMMIT;", ""))
    assert migrate.is_current(sqlite_place.url)
    assert differences(sqlite_place) == []


def test_the_sql_says_what_its_tables_are_for() -> None:
    sql = migrate.render_sql("postgresql")
    assert "-- Trees of messages with one active branch\nCREATE TABLE conversations (" in sql
    assert "    -- how many ancestors\n    depth INTEGER" in sql
