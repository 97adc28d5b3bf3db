"""Whatever an older deployment holds: no row is lost, and what comes out keeps every rule of the program."""

import tempfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duihua.db import migrate
from duihua.models import ChatGroup, Connection, Conversation, Message, Prompt
from duihua.vocabulary import ConversationStatus, MessageType, Role, RowStatus, TitleSource
from tests.migrations.databases import new_place
from tests.migrations.older import (
    WITH_CHATS,
    api_key,
    conversation,
    group,
    make_older,
    message,
    prompt,
    uuid_of,
)

texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=300)
statuses = st.sampled_from(["active", "deleted", "archived", "inactive", "DELETED", "", "x", None])
moments = st.none() | st.just("2024-03-01 08:00:00") | st.datetimes(datetime(1990, 1, 1)).map(str)
references = st.none() | st.integers(0, 8)
counts = st.none() | st.integers(-5, 9)
jsons = st.sampled_from([None, "{}", '{"a": [1, "文"]}', "[]", "[1]", '"text"', "null", "1"])


def rows(**changes: Any) -> Any:
    """Up to six rows by their ids: what is changed in them."""
    drawn = st.fixed_dictionaries(changes | {"created_at": moments, "updated_at": moments})
    return st.lists(drawn, max_size=6).map(lambda found: dict(enumerate(found, 1)))


OLDER = {
    "api_keys": (api_key, rows(status=statuses, description=texts, config=jsons, timeout=counts)),
    "prompts": (prompt, rows(title=texts, content=texts, tags=jsons, variables=jsons, config=jsons)),
    "chat_groups": (
        group,
        rows(name=texts, is_default=st.sampled_from(["0", "1", None]), status=statuses, sort=counts),
    ),
    "conversations": (
        conversation,
        rows(
            api_key_id=references,
            prompt_id=references,
            group_id=references,
            title=st.none() | texts,
            status=statuses,
            message_count=counts,
            config=jsons,
        ),
    ),
    "messages": (
        message,
        rows(
            uuid=st.none() | st.integers(1, 4).map(uuid_of),
            conversation_id=references,
            role=st.sampled_from(["user", "assistant", "ai", "x", None]),
            content=st.none() | texts,
            message_type=st.sampled_from(["text", "image", "x", None]),
            message_metadata=jsons,
            character_count=counts,
            token_count=counts,
            status=statuses,
        ),
    ),
}
deployments = st.fixed_dictionaries({table: drawn for table, (_, drawn) in OLDER.items()})


def take_over(dialect: str, deployment: dict[str, dict[int, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder, new_place(dialect, Path(folder)) as place:
        make_older(place, WITH_CHATS)
        for table, drawn in deployment.items():
            if drawn:
                place.insert(table, [OLDER[table][0](number, **row) for number, row in drawn.items()])
        migrate.upgrade(place.url)
        tables = {
            "api_keys": place.models(Connection),
            "prompts": place.models(Prompt),
            "chat_groups": place.models(ChatGroup),
            "conversations": place.models(Conversation),
            "messages": place.models(Message),
        }
    for table, drawn in deployment.items():
        assert drawn.keys() <= {row["id"] for row in tables[table]}
    check_words(tables)
    check_groups(tables)
    check_branches(tables, deployment["messages"])


def check_words(tables: dict[str, list[dict[str, Any]]]) -> None:
    for row in tables["messages"]:
        assert row["role"] in [*Role]
        assert row["message_type"] in [*MessageType]
        assert row["status"] in [*RowStatus]
        assert isinstance(row["message_metadata"], dict | None)
        assert row["character_count"] > 0 or row["content"] == ""
    for row in tables["conversations"]:
        assert row["status"] in [*ConversationStatus]
        assert row["title_source"] in [*TitleSource]
        assert 0 < len(row["title"]) <= 255
    for row in tables["prompts"]:
        assert isinstance(row["tags"], list | None)
        assert isinstance(row["config"], dict | None)
    for row in [row for table in ("chat_groups", "conversations", "messages") for row in tables[table]]:
        assert (row["deleted_at"] is not None) == (row["status"] == "deleted")


def check_groups(tables: dict[str, list[dict[str, Any]]]) -> None:
    (default,) = [row["id"] for row in tables["chat_groups"] if row["is_default"]]
    active = {row["id"] for row in tables["chat_groups"] if row["status"] == "active"}
    assert default in active
    assert {row["group_id"] for row in tables["conversations"]} <= active


def check_branches(tables: dict[str, list[dict[str, Any]]], older: dict[int, Any]) -> None:
    branches = defaultdict(list)
    for row in sorted(tables["messages"], key=lambda row: (row["created_at"], row["id"])):
        branches[row["conversation_id"]].append(row)
        if older[row["id"]]["conversation_id"]:
            assert row["conversation_id"] == older[row["id"]]["conversation_id"]
    for found in tables["conversations"]:
        branch = branches.pop(found["id"], [])
        assert [row["depth"] for row in branch] == list(range(len(branch)))
        assert [row["parent_id"] for row in branch] == [None, *(row["id"] for row in branch)][: len(branch)]
        assert found["active_leaf_id"] == (branch[-1]["id"] if branch else None)
        shown = [row["content"] for row in branch if row["status"] == "active"]
        assert found["message_count"] == len(shown)
        assert found["last_message"] == (shown[-1][:200] if shown else None)
    assert not branches


@settings(max_examples=20, deadline=None)
@given(deployment=deployments)
def test_sqlite_takes_over_anything(deployment: dict[str, dict[int, Any]]) -> None:
    take_over("sqlite", deployment)


@pytest.mark.usefixtures("postgres_server")
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deployment=deployments)
def test_postgresql_takes_over_anything(deployment: dict[str, dict[int, Any]]) -> None:
    take_over("postgresql", deployment)
