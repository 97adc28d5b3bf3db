"""Older deployments, in every shape they may have, are taken over row by row."""

import asyncio
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from duihua.db import migrate
from duihua.db.session import open_database
from duihua.models import ChatGroup, Connection, Conversation, Message, Prompt
from duihua.statistics import service as statistics
from tests.migrations.databases import DIALECTS, Place, new_place
from tests.migrations.deployments import ROWS, fill
from tests.migrations.older import FIRST, STYLES, WITH_CHATS, uuid_of
from tests.migrations.schemas import differences, schema

MODELS = {
    "api_keys": Connection,
    "prompts": Prompt,
    "chat_groups": ChatGroup,
    "conversations": Conversation,
    "messages": Message,
}


@pytest.fixture(params=[(dialect, style) for dialect in DIALECTS for style in STYLES[dialect]], ids="-".join)
def styled(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A database and one of the ways in which its columns may have been declared."""
    dialect, style = request.param
    if dialect == "postgresql":
        request.getfixturevalue("postgres_server")
    with new_place(dialect, tmp_path) as place:
        yield place, style


def moment(value: str) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def as_read(row: Any) -> dict[str, Any]:
    """An older row as the program should read it."""
    typed: dict[str, Any] = {}
    for name, value in row.items():
        if name in {"config", "tags", "variables", "message_metadata"}:
            typed[name] = json.loads(value) if value else None
        elif name in {"created_at", "updated_at"}:
            typed[name] = moment(value)
        elif name in {"is_default", "is_public"}:
            typed[name] = value == "1"
        elif name not in {"agent_state", "message_count", "group_id"}:
            typed[name] = value
    return typed


def check_rows(place: Place, tables: tuple[str, ...]) -> None:
    """Every older row is there with every value it had."""
    for table in ("conversations" if table == "chats" else table for table in tables):
        read = {row["id"]: row for row in place.models(MODELS[table])}
        for row in ROWS[table]:
            expected = as_read(row)
            assert {name: read[row["id"]][name] for name in expected} == expected
            assert read[row["id"]]["user_id"] == 1
            if "deleted_at" in read[row["id"]]:
                deleted = row.get("status") == "deleted"
                assert read[row["id"]]["deleted_at"] == (expected["updated_at"] if deleted else None)


def recount(place: Place) -> None:
    async def work() -> None:
        database = open_database(place.url)
        await database.write(statistics.rebuild)
        await database.close()

    asyncio.run(work())


def check_schema(place: Place, tmp_path: Path, *extra: str) -> None:
    """The schema is that of a new database, and `extra` columns."""
    (tmp_path / "new").mkdir()
    with new_place(place.dialect, tmp_path / "new") as new:
        migrate.upgrade(new.url)
        assert schema(new) - schema(place) == set()
        more = schema(place) - schema(new)
    assert len(more) == len(extra), more
    assert all(any(name in line for line in more) for name in extra), more
    steps = [step for step in differences(place) if step[0] != "remove_column" or step[3].name not in extra]
    assert steps == []


def test_the_first_deployment(styled: tuple[Place, str], tmp_path: Path) -> None:
    place, style = styled
    fill(place, FIRST, style)
    assert migrate.check(place.url) is migrate.State.UPGRADABLE
    assert not migrate.is_current(place.url)
    report = migrate.upgrade(place.url)
    assert report.rows == {"api_keys": 2, "conversations": 3, "prompts": 2}
    check_rows(place, FIRST)
    check_schema(place, tmp_path, "agent_state")
    (default,) = place.models(ChatGroup)
    assert (default["name"], default["is_default"]) == ("默认分组", True)
    assert {row["group_id"] for row in place.models(Conversation)} == {default["id"]}


def test_the_deployment_with_chats(styled: tuple[Place, str], tmp_path: Path) -> None:
    place, style = styled
    fill(place, WITH_CHATS, style)
    report = migrate.upgrade(place.url)
    assert report.rows == {table: len(rows) for table, rows in ROWS.items()}
    check_rows(place, WITH_CHATS)
    check_schema(place, tmp_path, "agent_state")
    conversations = {row["id"]: row for row in place.models(Conversation)}
    assert {number: row["group_id"] for number, row in conversations.items()} == {2: 2, 3: 5, 9: 5}
    assert {row["description"] for row in conversations.values()} == {"d"}
    assert [row["id"] for row in place.models(ChatGroup) if row["is_default"]] == [5]
    nodes = [(row["id"], row["parent_id"], row["depth"]) for row in place.models(Message)]
    assert nodes == [(1, None, 0), (2, 1, 1), (5, 2, 2), (8, None, 0)]
    assert {(row["on_branch"], row["state"]) for row in place.models(Message)} == {(True, "complete")}
    branch = conversations[2]
    assert (branch["active_leaf_id"], branch["message_count"]) == (5, 2)
    assert branch["last_message"] == "x" * 200
    counted = place.content()["tallies"]
    assert len(counted) == 2 * 5
    recount(place)
    assert place.content()["tallies"] == counted
    assert (conversations[9]["active_leaf_id"], conversations[9]["message_count"]) == (None, 0)
    assert branch["title_source"] == "person"


@pytest.mark.parametrize("count", [1, 4])
def test_any_of_the_tables(place: Place, count: int, tmp_path: Path) -> None:
    """Each alone, all but each: what is missing is made, what points there finds something."""
    for number, tables in enumerate(itertools.combinations(WITH_CHATS, count)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with new_place(place.dialect, folder) as part:
            fill(part, tables, "plain")
            migrate.upgrade(part.url)
            assert {step[0] for step in differences(part)} <= {"remove_column"}
            names = {"conversations" if table == "chats" else table for table in tables}
            for table in names:
                kept = {row["id"] for row in part.models(MODELS[table])}
                assert {row["id"] for row in ROWS[table]} <= kept
            if "chats" in tables and "api_keys" not in tables:
                assert {row["api_key_id"] for row in part.models(Conversation)} == {None}
            if "messages" in tables and "chats" not in tables:
                assert [row["id"] for row in part.models(Conversation)] == [2, 3]


def test_ids_go_on_after_the_older_ones(place: Place) -> None:
    # PostgreSQL's sequence never heard of these: they were inserted with their ids.
    fill(place, WITH_CHATS, "plain")
    migrate.upgrade(place.url)
    moments = {"created_at": "2024-05-01 00:00:00", "updated_at": "2024-05-01 00:00:00"}
    place.insert(
        "conversations", [{"uuid": uuid_of(77), "user_id": 1, "group_id": 5, "title": "t"} | moments]
    )
    place.insert("chat_groups", [{"user_id": 1, "name": "n"} | moments])
    assert place.column("SELECT max(id) FROM conversations") == [10]
    assert place.column("SELECT max(id) FROM chat_groups") == [8]
