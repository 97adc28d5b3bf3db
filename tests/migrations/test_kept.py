"""What the program does not know is left as it was: columns, tables, triggers, views."""

import pytest

from duihua.db import migrate
from duihua.models import Conversation, Message
from tests.migrations.databases import Place
from tests.migrations.older import WITH_CHATS, api_key, conversation, make_older, message, prompt

ODD = '"Odd ""name"""'
UPDATED = {
    "sqlite": """CREATE TRIGGER touched AFTER UPDATE ON messages BEGIN
        UPDATE messages SET updated_at = '2030-01-01 00:00:00' WHERE id = new.id; END""",
    "postgresql": """CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.updated_at = '2030-01-01 00:00:00'; RETURN NEW; END $$;
        CREATE TRIGGER touched BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION touch()""",
}


@pytest.fixture
def chats(place: Place) -> Place:
    """The deployment with chats, with a row of each kind."""
    make_older(place, WITH_CHATS)
    place.insert("api_keys", [api_key(1)])
    place.insert("prompts", [prompt(1)])
    place.insert("conversations", [conversation(1)])
    place.insert("messages", [message(1), message(2)])
    return place


def test_unknown_columns_keep_their_values_and_defaults(chats: Place) -> None:
    chats.run(
        "ALTER TABLE conversations ADD COLUMN stars INTEGER NOT NULL DEFAULT 3",
        "ALTER TABLE conversations ADD COLUMN note VARCHAR(20) DEFAULT 'a:b'",
        f"ALTER TABLE conversations ADD COLUMN {ODD} TEXT",
        "CREATE INDEX older_stars ON conversations (stars)",
        "UPDATE conversations SET stars = 5, note = NULL",
        f"UPDATE conversations SET {ODD} = 'odd'",
    )
    migrate.upgrade(chats.url)
    chats.run(
        "INSERT INTO conversations (uuid, user_id, group_id, title, created_at, updated_at) "
        "VALUES ('u', 1, 1, 't', '2024-01-01 00:00:00', '2024-01-01 00:00:00')"
    )
    rows = chats.rows(f"SELECT agent_state, stars, note, {ODD} AS odd FROM conversations ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [('{"step": 1}', 5, None, "odd"), (None, 3, "a:b", None)]
    catalog = {"sqlite": "sqlite_master WHERE name", "postgresql": "pg_indexes WHERE indexname"}[
        chats.dialect
    ]
    assert len(chats.rows(f"SELECT * FROM {catalog} = 'older_stars'")) == 1


def test_unknown_columns_insist_on_nothing(place: Place) -> None:
    make_older(place, ("conversations",))
    if place.dialect == "postgresql":
        place.run("ALTER TABLE conversations ALTER COLUMN agent_state SET NOT NULL")
    else:
        place.run(
            "DROP TABLE conversations",
            "CREATE TABLE conversations (id INTEGER PRIMARY KEY, uuid, title, agent_state JSON NOT NULL)",
        )
    migrate.upgrade(place.url)
    place.run(
        "INSERT INTO conversations (uuid, user_id, group_id, title, created_at, updated_at) "
        "VALUES ('u', 1, 1, 't', '2024-01-01 00:00:00', '2024-01-01 00:00:00')"
    )
    assert place.column("SELECT agent_state FROM conversations") == [None]


def test_unknown_tables_keep_their_rows_and_references(chats: Place) -> None:
    chats.run(
        "CREATE TABLE favourites (id INTEGER PRIMARY KEY, "
        "conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE, note TEXT)",
        "INSERT INTO favourites VALUES (1, 1, 'good')",
    )
    migrate.upgrade(chats.url)
    assert chats.rows("SELECT * FROM favourites") == [{"id": 1, "conversation_id": 1, "note": "good"}]
    if chats.dialect == "sqlite":
        assert chats.rows("PRAGMA foreign_key_list(favourites)")[0]["table"] == "conversations"
        chats.run("PRAGMA foreign_keys = ON", "DELETE FROM favourites")
    else:
        definition = chats.column(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'favourites'::regclass "
            "AND contype = 'f'"
        )
        assert definition == ["FOREIGN KEY (conversation_id) REFERENCES conversations(id) ON DELETE CASCADE"]


def test_an_unknown_table_that_breaks_its_own_rules_is_not_our_business(sqlite_place: Place) -> None:
    make_older(sqlite_place, WITH_CHATS)
    sqlite_place.run(
        "CREATE TABLE favourites (conversation_id INTEGER REFERENCES conversations (id))",
        "INSERT INTO favourites VALUES (77)",
    )
    migrate.upgrade(sqlite_place.url)
    assert sqlite_place.column("SELECT conversation_id FROM favourites") == [77]


def test_triggers_sleep_through_the_upgrade(chats: Place) -> None:
    chats.run(UPDATED[chats.dialect])
    migrate.upgrade(chats.url)
    assert {row["updated_at"].year for row in chats.models(Message)} == {2024}
    chats.run("UPDATE messages SET content = 'new' WHERE id = 1")
    assert [row["updated_at"].year for row in chats.models(Message)] == [2030, 2024]


def test_views_of_a_file_go_on_showing_the_tables(sqlite_place: Place) -> None:
    make_older(sqlite_place, WITH_CHATS)
    sqlite_place.insert("messages", [message(1)])
    sqlite_place.run("CREATE VIEW shown AS SELECT content FROM messages WHERE status = 'active'")
    migrate.upgrade(sqlite_place.url)
    assert sqlite_place.column("SELECT content FROM shown") == ["消息 1"]


def test_a_view_that_forbids_the_upgrade_is_named(postgres_place: Place) -> None:
    make_older(postgres_place, WITH_CHATS)
    postgres_place.run("CREATE VIEW shown AS SELECT created_at FROM messages")
    before = postgres_place.content()
    with pytest.raises(migrate.MigrationError, match=r"used by a view.*shown.*Nothing was changed"):
        migrate.upgrade(postgres_place.url)
    assert postgres_place.content() == before
    postgres_place.run("DROP VIEW shown")
    migrate.upgrade(postgres_place.url)
    assert migrate.is_current(postgres_place.url)


def test_older_rules_over_known_columns_are_gone(chats: Place) -> None:
    if chats.dialect == "postgresql":
        chats.run(
            "ALTER TABLE conversations ADD CHECK (status IN ('active', 'inactive'))",
            "ALTER TABLE messages ADD FOREIGN KEY (conversation_id) REFERENCES conversations",
        )
    chats.run("CREATE UNIQUE INDEX one_title ON conversations (title)")
    migrate.upgrade(chats.url)
    chats.run(
        "INSERT INTO conversations (uuid, user_id, group_id, title, status, created_at, updated_at) "
        "SELECT 'u', user_id, group_id, title, 'archived', created_at, updated_at FROM conversations"
    )
    assert [row["status"] for row in chats.models(Conversation)] == ["active", "archived"]


def test_grants_stay(postgres_place: Place) -> None:
    make_older(postgres_place, WITH_CHATS)
    postgres_place.run("GRANT SELECT ON messages TO PUBLIC")
    migrate.upgrade(postgres_place.url)
    assert postgres_place.column(
        "SELECT privilege_type FROM information_schema.role_table_grants "
        "WHERE table_name = 'messages' AND grantee = 'PUBLIC'"
    ) == ["SELECT"]
