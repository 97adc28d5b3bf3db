"""Older rows that are incomplete or contradict each other: each is kept, and its place decided."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from duihua.db import migrate
from duihua.models import ChatGroup, Connection, Conversation, Message, Prompt
from tests.migrations.databases import Place, Raw
from tests.migrations.older import (
    FIRST,
    WITH_CHATS,
    api_key,
    conversation,
    group,
    make_older,
    message,
    prompt,
    uuid_of,
)


def by_id(place: Place, model: type[Any]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in place.models(model)}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # the numbers of a date are given


@pytest.fixture
def chats(place: Place) -> Place:
    """The deployment with chats: one key, one prompt, one conversation."""
    make_older(place, WITH_CHATS)
    place.insert("api_keys", [api_key(1)])
    place.insert("prompts", [prompt(1)])
    place.insert("conversations", [conversation(1)])
    return place


def test_what_a_conversation_points_at_and_is_gone(place: Place) -> None:
    make_older(place, FIRST)
    place.insert("conversations", [conversation(1, api_key_id=7), conversation(2, prompt_id=8, api_key_id=0)])
    migrate.upgrade(place.url)
    rows = by_id(place, Conversation)
    assert {(row["api_key_id"], row["prompt_id"]) for row in rows.values()} == {(None, None)}
    assert rows[1]["uuid"] == uuid_of(1)


def test_messages_without_their_conversation_get_one_each(chats: Place) -> None:
    orphans = [message(1, 40), message(2, 40), message(3, 41), message(4, None), message(5, None)]
    chats.insert("messages", [*orphans, message(6, 1)])
    migrate.upgrade(chats.url)
    conversations, messages = by_id(chats, Conversation), by_id(chats, Message)
    assert set(conversations) == {1, 40, 41, 42}
    # Its messages keep the number they had; those that had none come together in a new one.
    assert {n: row["conversation_id"] for n, row in messages.items()} == {
        1: 40,
        2: 40,
        3: 41,
        4: 42,
        5: 42,
        6: 1,
    }
    (default,) = by_id(chats, ChatGroup)
    for number, count in {40: 2, 41: 1, 42: 2}.items():
        found = conversations[number]
        assert (found["message_count"], found["group_id"], found["status"]) == (count, default, "active")
        assert found["title"] == f"恢复的对话 #{number}"
        assert len(found["uuid"]) == 36
    assert conversations[40]["created_at"] == messages[1]["created_at"]
    assert conversations[40]["updated_at"] == messages[2]["created_at"]
    assert messages[2]["parent_id"] == 1


def test_groups_that_are_gone_or_none(chats: Place) -> None:
    chats.insert("chat_groups", [group(1), group(2, status="deleted")])
    groups = {2: 1, 3: 2, 4: 99, 5: None}
    chats.insert("conversations", [conversation(n, group_id=g) for n, g in groups.items()])
    migrate.upgrade(chats.url)
    default = next(number for number, row in by_id(chats, ChatGroup).items() if row["is_default"])
    assert default not in {1, 2}
    found = {number: row["group_id"] for number, row in by_id(chats, Conversation).items()}
    assert found == {1: default, 2: 1, 3: default, 4: default, 5: default}


DEFAULTS = {
    "none": ([group(1)], None),
    "one": ([group(1), group(2, is_default="1")], 2),
    "by name": ([group(1), group(2, name=" 默认分组 ")], 2),
    "the flag before the name": ([group(1, name="默认分组"), group(2, is_default="1")], 2),
    "the oldest": ([group(1, created_at="2024-05-01", is_default="1"), group(2, is_default="1")], 2),
    "one that is not deleted": ([group(1, is_default="1", status="deleted"), group(2, is_default="1")], 2),
    "a deleted one, if it must be": ([group(1, is_default="1", status="deleted"), group(2)], 1),
}


@pytest.mark.parametrize("case", DEFAULTS)
def test_exactly_one_group_is_the_default(chats: Place, case: str) -> None:
    groups, expected = DEFAULTS[case]
    chats.insert("chat_groups", groups)
    migrate.upgrade(chats.url)
    found = by_id(chats, ChatGroup)
    (default,) = [row for row in found.values() if row["is_default"]]
    assert default["id"] == (expected or 2)
    assert (default["status"], default["deleted_at"]) == ("active", None)
    assert expected or default["name"] == "默认分组"
    assert len(found) == len(groups) + (expected is None)
    assert {row["name"] for row in groups} <= {row["name"] for row in found.values()}
    assert by_id(chats, Conversation)[1]["group_id"] == default["id"]


def test_branches_go_by_time_then_by_number(chats: Place) -> None:
    same = "2024-03-01 10:00:00"
    chats.insert(
        "messages",
        [
            message(1, created_at="2024-03-01 12:00:00"),
            message(2, created_at="2024-03-01 09:00:00"),
            message(3, created_at=same),
            message(4, created_at=same),
            # Nobody knows when: after those with smaller numbers.
            message(5, created_at=None, updated_at=None),
            message(6, created_at=None, updated_at="2024-03-01 08:00:00"),
        ],
    )
    migrate.upgrade(chats.url)
    rows = sorted(chats.models(Message), key=lambda row: row["depth"])
    assert [row["id"] for row in rows] == [6, 2, 3, 4, 1, 5]
    assert [row["parent_id"] for row in rows] == [None, 6, 2, 3, 4, 1]
    assert [row["depth"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert rows[0]["created_at"] == utc(2024, 3, 1, 8)
    assert rows[-1]["created_at"] == rows[-1]["updated_at"] == utc(2024, 3, 1, 12)
    assert by_id(chats, Conversation)[1]["active_leaf_id"] == 5


def test_times_that_nobody_knows(chats: Place) -> None:
    nothing = {"created_at": None, "updated_at": None}
    chats.insert("conversations", [conversation(2, **nothing), conversation(3, **nothing, status="deleted")])
    chats.insert("chat_groups", [group(1, **nothing, status="deleted")])
    chats.insert("api_keys", [api_key(2, **nothing), api_key(3, created_at=None)])
    chats.insert("messages", [message(1, 2), message(2, 2), message(3, 3, **nothing, status="deleted")])
    migrate.upgrade(chats.url)
    just_now = datetime.now(UTC) - timedelta(minutes=1)
    conversations, keys = by_id(chats, Conversation), by_id(chats, Connection)
    assert (conversations[2]["created_at"], conversations[2]["updated_at"]) == (
        utc(2024, 3, 1, 8, 0, 1),
        utc(2024, 3, 1, 8, 0, 2),
    )
    unknown = [conversations[3], by_id(chats, Message)[3], by_id(chats, ChatGroup)[1]]
    for row in unknown:
        assert row["created_at"] == row["updated_at"] == row["deleted_at"] > just_now
    assert keys[2]["created_at"] > just_now
    assert keys[3]["created_at"] == utc(2024, 1, 1, 0, 0, 1)


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        (None, ("active", "active", "active")),
        ("whatever", ("active", "active", "active")),
        ("", ("active", "active", "active")),
        ("ARCHIVED", ("archived", "active", "inactive")),
        (" Deleted", ("deleted", "deleted", "inactive")),
        ("inactive", ("active", "active", "inactive")),
    ],
)
def test_status(chats: Place, status: str | None, kept: tuple[str, str, str]) -> None:
    chats.insert("conversations", [conversation(2, status=status)])
    chats.insert("messages", [message(1, status=status)])
    chats.insert("api_keys", [api_key(2, status=status)])
    migrate.upgrade(chats.url)
    rows = [by_id(chats, Conversation)[2], by_id(chats, Message)[1], by_id(chats, Connection)[2]]
    assert tuple(row["status"] for row in rows) == kept
    for row in rows[:2]:
        assert row["deleted_at"] == (row["updated_at"] if row["status"] == "deleted" else None)


def test_only_visible_messages_count_and_show(chats: Place) -> None:
    contents = ["one", "two" * 100, "three"]
    chats.insert("messages", [message(n, content=text) for n, text in enumerate(contents, 1)])
    chats.run("UPDATE messages SET status = 'deleted' WHERE id = 3")
    chats.insert("conversations", [conversation(2, message_count=9)])
    chats.insert("messages", [message(7, 2, status="deleted")])
    migrate.upgrade(chats.url)
    shown, hidden = by_id(chats, Conversation)[1], by_id(chats, Conversation)[2]
    assert (shown["message_count"], shown["last_message"], shown["active_leaf_id"]) == (
        2,
        ("two" * 100)[:200],
        3,
    )
    assert (hidden["message_count"], hidden["last_message"], hidden["active_leaf_id"]) == (0, None, 7)


def test_titles(chats: Place) -> None:
    long = "长" * 400
    titles = {2: None, 3: "  ", 4: "新对话", 5: "旅行", 6: long}
    chats.insert("conversations", [conversation(n, title=title) for n, title in titles.items()])
    chats.insert("conversations", [conversation(7, title=long, description="about")])
    chats.insert("prompts", [prompt(2, title=long, description=None), prompt(3, title=None, content=None)])
    chats.insert("chat_groups", [group(1, name=long), group(2, name=None)])
    migrate.upgrade(chats.url)
    rows = by_id(chats, Conversation)
    assert [(rows[n]["title"], rows[n]["title_source"]) for n in (2, 3, 4)] == [("新对话", "default")] * 3
    assert (rows[5]["title"], rows[5]["title_source"], rows[5]["description"]) == ("旅行", "person", None)
    assert rows[6]["title"] == long[:254] + "…"
    assert (rows[6]["description"], rows[7]["description"]) == (long, f"{long}\n\nabout")
    prompts, groups = by_id(chats, Prompt), by_id(chats, ChatGroup)
    assert (prompts[2]["title"], prompts[2]["description"]) == (long[:254] + "…", long)
    assert (prompts[3]["title"], prompts[3]["content"]) == ("未命名", "")
    assert (groups[1]["name"], groups[1]["description"]) == (long[:99] + "…", f"{long}\n\nd")
    assert groups[2]["name"] == "未命名"


def test_counts_and_words_of_messages(chats: Place) -> None:
    chats.insert(
        "messages",
        [
            message(1, character_count=None, token_count=None, content="👍你好"),
            message(2, character_count=0, role="ASSISTANT", message_type="IMAGE"),
            message(3, character_count=77, role="function", message_type="audio"),
            message(4, content=None, character_count=None, role=None, message_type=None),
            message(5, role="bot"),
        ],
    )
    migrate.upgrade(chats.url)
    rows = by_id(chats, Message)
    assert [rows[n]["character_count"] for n in rows] == [3, 4, 77, 0, 4]
    assert [rows[n]["role"] for n in rows] == ["user", "assistant", "tool", "user", "assistant"]
    assert [rows[n]["message_type"] for n in rows] == ["text", "image", "text", "text", "text"]
    assert (rows[1]["token_count"], rows[4]["content"]) == (0, "")


def test_uuids_are_made_unique(place: Place) -> None:
    make_older(place, WITH_CHATS)
    place.insert("conversations", [conversation(1, uuid="ABCDEF00-0000-4000-8000-000000000001")])
    uuids = [uuid_of(1), uuid_of(1), None, "", uuid_of(1).upper(), uuid_of(2)]
    if place.dialect == "sqlite":
        uuids.append("x" * 40)
    place.insert("messages", [message(number, uuid=value) for number, value in enumerate(uuids, 1)])
    migrate.upgrade(place.url)
    found = [row["uuid"] for row in place.models(Message)]
    assert len({*found}) == len(uuids)
    assert {len(value) for value in found} == {36}
    assert (found[0], found[5]) == (uuid_of(1), uuid_of(2))
    # The wire spells them in small letters and looks them up so.
    assert by_id(place, Conversation)[1]["uuid"] == "abcdef00-0000-4000-8000-000000000001"


def test_uuids_as_sqlalchemy_stores_them_in_sqlite(sqlite_place: Place) -> None:
    make_older(sqlite_place, ("messages",))
    sqlite_place.run("ALTER TABLE messages DROP COLUMN uuid", "ALTER TABLE messages ADD COLUMN uuid CHAR(32)")
    sqlite_place.insert("messages", [message(1, uuid=uuid_of(5).replace("-", ""))])
    migrate.upgrade(sqlite_place.url)
    assert by_id(sqlite_place, Message)[1]["uuid"] == uuid_of(5)


def test_json_of_another_shape_is_wrapped(place: Place) -> None:
    style = {"sqlite": "autoincrement", "postgresql": "text"}[place.dialect]
    make_older(place, ("prompts",), style)
    values: list[tuple[str | None, Any, Any, Any]] = [
        # stored, config, tags, variables
        ('{"a": 1}', {"a": 1}, [{"a": 1}], {"a": 1}),
        ("[1]", {"value": [1]}, [1], [1]),
        ("plain, text 'x'", {"value": "plain, text 'x'"}, ["plain, text 'x'"], "plain, text 'x'"),
        ("", None, None, None),
        ("null", None, None, None),
        (None, None, None, None),
        ("{'a': NaN}", {"value": "{'a': NaN}"}, ["{'a': NaN}"], "{'a': NaN}"),
    ]
    stored = [value for value, *_ in values]
    place.insert("prompts", [prompt(n, config=v, tags=v, variables=v) for n, v in enumerate(stored, 1)])
    migrate.upgrade(place.url)
    found = [(row["config"], row["tags"], row["variables"]) for row in place.models(Prompt)]
    assert found == [(config, tags, variables) for _, config, tags, variables in values]


MOMENTS = {
    "2024-03-01 08:00:00": utc(2024, 3, 1, 8),
    "2024-03-01 08:00:00.5": utc(2024, 3, 1, 8, 0, 0, 500_000),
    "2024-03-01 08:00:00.123456": utc(2024, 3, 1, 8, 0, 0, 123_456),
    "2024-03-01T08:00:00.123456Z": utc(2024, 3, 1, 8, 0, 0, 123_456),
    "2024-03-01 08:00:00.000001+08:00": utc(2024, 3, 1, 0, 0, 0, 1),
    "2024-03-01T08:00:00-01:30": utc(2024, 3, 1, 9, 30),
    "2024-03-01": utc(2024, 3, 1),
    "not a moment": utc(2020, 1, 1),
    "": utc(2020, 1, 1),
}


def test_moments_however_they_are_written(place: Place) -> None:
    style = {"sqlite": "autoincrement", "postgresql": "text"}[place.dialect]
    make_older(place, ("api_keys",), style)
    known = {"updated_at": "2020-01-01 00:00:00"}
    place.insert("api_keys", [api_key(n, created_at=text, **known) for n, text in enumerate(MOMENTS, 1)])
    migrate.upgrade(place.url)
    assert [row["created_at"] for row in place.models(Connection)] == list(MOMENTS.values())
    if place.dialect == "sqlite":
        # Texts that sort as moments do.
        assert set(place.column("SELECT length(created_at) FROM api_keys")) == {26}


def test_moments_as_numbers(sqlite_place: Place) -> None:
    make_older(sqlite_place, ("api_keys",))
    seconds = utc(2024, 3, 1, 8).timestamp()
    values = [int(seconds), int(seconds * 1000) + 5, seconds + 0.25]
    rows = [api_key(n, created_at=Raw(value)) for n, value in enumerate(values, 1)]
    sqlite_place.insert("api_keys", rows)
    migrate.upgrade(sqlite_place.url)
    found = [row["created_at"] - utc(2024, 3, 1, 8) for row in sqlite_place.models(Connection)]
    assert found == [timedelta(milliseconds=n) for n in (0, 5, 250)]


def test_numbers_that_do_not_fit(place: Place) -> None:
    make_older(place, ("api_keys",), {"sqlite": "plain", "postgresql": "text"}[place.dialect])
    place.insert("api_keys", [api_key(1, max_tokens=str(2**40), timeout="-7"), api_key(2, max_tokens=None)])
    migrate.upgrade(place.url)
    rows = by_id(place, Connection)
    assert (rows[1]["max_tokens"], rows[1]["timeout"], rows[2]["max_tokens"]) == (2**31 - 1, -7, None)
