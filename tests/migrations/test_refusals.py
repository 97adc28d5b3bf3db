"""What is not ours is refused by name, and left exactly as it was."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Engine, event

from duihua.db import migrate
from tests.migrations.databases import Place
from tests.migrations.older import WITH_CHATS, make_older, message

STRANGERS = {
    "messages without content": (
        ["CREATE TABLE messages (id INTEGER PRIMARY KEY, uuid TEXT, conversation_id INTEGER, role TEXT)"],
        "table messages has no column content",
    ),
    "conversations without uuid": (
        ["CREATE TABLE conversations (id INTEGER PRIMARY KEY, title TEXT)"],
        "table conversations has no column uuid",
    ),
    "an id that is no number": (
        ["CREATE TABLE prompts (id TEXT PRIMARY KEY, title TEXT, content TEXT)"],
        "table prompts has id of another type than integer",
    ),
    "a reference that is no number": (
        [
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, uuid TEXT, conversation_id VARCHAR(36), "
            "role TEXT, content TEXT)"
        ],
        "table messages has conversation_id of another type than integer",
    ),
    "a tree of somebody else": (
        [
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, uuid TEXT, conversation_id INTEGER, role TEXT, "
            "content TEXT, parent_id TEXT)"
        ],
        "table messages has a column that no older version had: parent_id",
    ),
    "users without a revision": (
        ["CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT)"],
        "without a recorded revision: users",
    ),
    "a view": (["CREATE VIEW messages AS SELECT 1 AS id"], "messages: a view where a table is expected"),
    "a newer revision": (
        [
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            "INSERT INTO alembic_version VALUES ('duihua_9999')",
        ],
        "its revision duihua_9999 is none of this program's",
    ),
    "two revisions": (
        [
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            f"INSERT INTO alembic_version VALUES ('{migrate.HEAD}'), ('duihua_9999')",
        ],
        f"its revision {migrate.HEAD}, duihua_9999 is none of this program's",
    ),
}


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file and its hash."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def refusal(url: str) -> str:
    """The sentence with which every door refuses."""
    with pytest.raises(migrate.UnknownSchema) as refused:
        migrate.upgrade(url)
    assert migrate.check(url) is migrate.State.UNKNOWN
    assert migrate.examine(url).reason in str(refused.value)
    assert not migrate.is_current(url)
    return str(refused.value)


@pytest.mark.parametrize("case", STRANGERS)
def test_a_stranger_is_refused(place: Place, tmp_path: Path, case: str) -> None:
    statements, reason = STRANGERS[case]
    place.run(*statements)
    content, files = place.content(), fingerprint(tmp_path)
    sentence = refusal(place.url)
    assert reason in sentence
    assert "Nothing was changed" in sentence
    assert "DATABASE_URL" in sentence
    assert ("newer version" in sentence) == ("revision" in case and "users" not in case)
    assert fingerprint(tmp_path) == files
    assert place.content() == content


def test_older_tables_do_not_make_a_stranger_welcome(place: Place) -> None:
    make_older(place, WITH_CHATS)
    place.run("CREATE TABLE generations (id INTEGER PRIMARY KEY)")
    content = place.content()
    assert "generations" in refusal(place.url)
    assert place.content() == content


@pytest.mark.parametrize("held", [b"dear diary", b"\x7fELF" * 500, bytes(4096)])
def test_a_file_that_is_no_database(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "duihua.db"
    path.write_bytes(held)
    assert "is not an SQLite database" in refusal(f"sqlite:///{path}")
    assert {path.name: hashlib.sha256(held).hexdigest()} == fingerprint(tmp_path)


def test_a_log_that_is_not_written_back_is_left_alone(sqlite_place: Place, tmp_path: Path) -> None:
    # A crashed program leaves this behind; whoever opens it for writing tidies it up.
    with closing(sqlite3.connect(sqlite_place.path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY)")
        names = ("duihua.db", "duihua.db-wal")
        copies = {name: (tmp_path / name).read_bytes() for name in names}
    folder = tmp_path / "crashed"
    folder.mkdir()
    for name, held in copies.items():
        (folder / name).write_bytes(held)
    refusal(f"sqlite:///{folder / 'duihua.db'}")
    assert {name: (folder / name).read_bytes() for name in names} == copies


def test_a_damaged_database_is_not_upgraded(sqlite_place: Place, tmp_path: Path) -> None:
    make_older(sqlite_place, WITH_CHATS)
    sqlite_place.insert("messages", [message(n, content="x" * 3000) for n in range(1, 50)])
    held = bytearray(sqlite_place.path.read_bytes())
    held[-40_000:-20_000] = b"\xff" * 20_000
    sqlite_place.path.write_bytes(held)
    files = fingerprint(tmp_path)
    with pytest.raises(migrate.MigrationError, match=r"damaged|malformed"):
        migrate.upgrade(sqlite_place.url)
    assert fingerprint(tmp_path) == files


def test_servers_that_do_not_answer_are_named() -> None:
    for function in (migrate.is_current, migrate.check, migrate.upgrade):
        with pytest.raises(migrate.MigrationError) as error:
            function("postgresql://postgres:secret@127.0.0.1:1/x")
        assert "Nothing was changed" in str(error.value)
        assert "secret" not in str(error.value)


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(migrate.MigrationError, match="Nothing was changed"):
        migrate.upgrade(f"sqlite:///{tmp_path / 'file' / 'duihua.db'}")


def test_a_database_that_does_not_exist_on_the_server(postgres_place: Place) -> None:
    url = postgres_place.url + "_gone"
    for function in (migrate.is_current, migrate.check, migrate.upgrade):
        with pytest.raises(migrate.MigrationError, match="does not exist"):
            function(url)


@pytest.fixture
def on_connect() -> Iterator[Callable[[str], None]]:
    """Runs a pragma on every connection that SQLAlchemy opens."""
    pragmas: list[str] = []

    def listener(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(pragma)

    event.listen(Engine, "connect", listener)
    yield pragmas.append
    event.remove(Engine, "connect", listener)


@pytest.mark.parametrize(
    ("pragma", "words"),
    [("PRAGMA max_page_count = 40", "no room left"), ("PRAGMA query_only = ON", "readonly database")],
)
def test_no_room_and_no_permission(
    sqlite_place: Place, on_connect: Callable[[str], None], pragma: str, words: str
) -> None:
    make_older(sqlite_place, WITH_CHATS)
    sqlite_place.insert("messages", [message(n, content="x" * 1000) for n in range(1, 50)])
    content = sqlite_place.content()
    held = sqlite_place.path.read_bytes()
    on_connect(pragma)
    with pytest.raises(migrate.MigrationError, match=words):
        migrate.upgrade(sqlite_place.url)
    assert sqlite_place.content() == content
    assert sqlite_place.path.read_bytes() == held


def test_no_permission_on_the_server(postgres_place: Place) -> None:
    make_older(postgres_place, WITH_CHATS)
    content = postgres_place.content()
    role = postgres_place.url.rpartition("/")[2].replace("test", "guest")
    postgres_place.run(f"CREATE ROLE {role} LOGIN", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        url = postgres_place.url.replace("//postgres@", f"//{role}@")
        with pytest.raises(migrate.MigrationError, match=r"permission denied|must be owner"):
            migrate.upgrade(url)
        assert postgres_place.content() == content
    finally:
        postgres_place.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_write_in_progress_is_waited_for_and_kept(postgres_place: Place) -> None:
    make_older(postgres_place, WITH_CHATS)

    async def write_while_upgrading() -> None:
        connection = await asyncpg.connect(postgres_place.url)
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO messages (id, uuid, content) VALUES (1, 'u', 'late')")
                upgrade = asyncio.create_task(asyncio.to_thread(migrate.upgrade, postgres_place.url))
                await asyncio.sleep(0.5)
                assert not upgrade.done()
            assert (await upgrade).rows["messages"] == 1
        finally:
            await connection.close()

    asyncio.run(write_while_upgrading())
    assert postgres_place.column("SELECT content FROM messages") == ["late"]
