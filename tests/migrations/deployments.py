"""Older deployments with rows in them, small and large; their copies; what no upgrade may make otherwise."""

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.migrations.databases import Place, made
from tests.migrations.older import (
    WITH_CHATS,
    api_key,
    conversation,
    group,
    make_older,
    message,
    prompt,
)

ROWS = {
    "api_keys": [api_key(1), api_key(4, status="inactive", config=None, max_tokens=0)],
    "prompts": [prompt(1), prompt(3, tags=None, is_public="0", variables=None, category=None)],
    "chat_groups": [group(2), group(5, is_default="1", name="我的"), group(7, status="deleted")],
    "conversations": [
        conversation(2),
        conversation(3, status="archived", api_key_id=4, prompt_id=3),
        conversation(9, status="deleted"),
    ],
    "messages": [
        message(1, 2, content="first '引号' \\ % :name"),
        message(2, 2, content="x" * 500, character_count=500),
        message(5, 2, status="deleted"),
        message(8, 3, role="system", message_type="image", message_metadata=None),
    ],
}
# When every row of theirs is from. Of a row that an upgrade makes, these differ each time.
_YEAR, _OF_THE_MOMENT = "2024", {"uuid", "created_at", "updated_at"}


def fill(place: Place, tables: tuple[str, ...], style: str) -> None:
    """The older tables with `ROWS`; conversations with groups are in those."""
    make_older(place, tables, style)
    for table in tables:
        rows = ROWS["conversations" if table == "chats" else table]
        if table == "chats":
            grouped = {2: 2, 3: 5, 9: None}
            rows = [
                row | {"group_id": grouped[row["id"]], "description": "d", "config": '{"top_p": 1}'}
                for row in rows
            ]
        place.insert("conversations" if table == "chats" else table, rows)


def many(place: Place, count: int, content: str = "'some words of a message ' || n") -> None:
    """That many messages, fifty to a conversation, with uuids in no order; `content` is SQL over `n`."""
    make_older(place, WITH_CHATS)
    numbers = (
        "(WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {count}) "
        "SELECT n FROM counted) AS counted"
    )
    uuid = {
        "sqlite": "lower(hex(randomblob(16))) || printf('%04x', n % 65536)",
        "postgresql": "md5(n::text) || lpad(to_hex(n % 65536), 4, '0')",
    }[place.dialect]
    place.run(
        "INSERT INTO conversations (id, uuid, title, created_at) "
        f"SELECT n, {uuid}, 't', '2024-01-01 00:00:00' FROM {numbers.format(count=count // 50)}",
        "INSERT INTO messages (id, uuid, conversation_id, role, content, created_at) "
        f"SELECT n, {uuid}, 1 + n % {count // 50}, 'user', {content}, "
        f"'2024-01-01 00:00:00' FROM {numbers.format(count=count)}",
    )


@contextmanager
def copied(place: Place, folder: Path, number: int) -> Iterator[Place]:
    """An equal database that may be spoilt."""
    if place.dialect == "sqlite":
        (folder / str(number)).mkdir()
        yield Place(f"sqlite:///{shutil.copy(place.path, folder / str(number))}")
        return
    origin, _, name = place.url.rpartition("/")
    with made(f"{origin}/postgres", f"{name}_{number}", template=name) as copy:
        yield copy


def wait_for_server(place: Place) -> None:
    """Until the server has noticed that its client is dead."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + 30
    while place.dialect == "postgresql" and place.column(others + " AND backend_type = 'client backend'") != [
        0
    ]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def fingerprint(place: Place) -> dict[str, tuple[int, str]]:
    """Of each table how many rows it has and a hash of them, without what differs from upgrade to upgrade."""
    told = {}
    for table in place.content():
        rows = sorted(repr(_lasting(row)) for row in place.rows(f'SELECT * FROM "{table}"'))
        told[table] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return told


def _lasting(row: dict[str, Any]) -> dict[str, Any]:
    is_made = _YEAR not in repr(row.get("created_at", _YEAR))
    return {name: value for name, value in row.items() if not (is_made and name in _OF_THE_MOMENT)}
