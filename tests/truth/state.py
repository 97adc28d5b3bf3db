"""What a client may show of an archive, fetched whole: the yardstick for one that only follows events."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.fixtures.client import Client

Row = dict[str, Any]
# What grows while a reply is being written; its stream tells that, and `followed.check_running` compares it.
GROWING = {"content", "reasoning", "reasoning_ms", "character_count", "token_count", "last_event_id"}
GROWING |= {"first_token_ms", "duration_ms"}
PAGE = 100


class State(NamedTuple):
    """Conversations and their shown messages by uuid; the list's order; groups in order; the trash."""

    conversations: dict[str, Row]
    messages: dict[str, list[Row]]
    order: list[str]
    groups: list[Row]
    trash: set[str]


async def fetched(client: Client) -> State:
    """Everything, asked for anew."""
    listed, groups, trash = await asyncio.gather(
        client.get(f"/chat/conversations/list?status=all&pageSize={PAGE}"),
        client.get("/chat/groups?includeChats=false"),
        client.get(f"/chat/trash?pageSize={PAGE}"),
    )
    conversations = {row["uuid"]: row for row in whole(listed.data)}
    messages = await asyncio.gather(*(messages_of(client, chat_id) for chat_id in conversations))
    return State(
        conversations,
        dict(zip(conversations, messages, strict=True)),
        list(conversations),
        groups.data,
        {row["uuid"] for row in whole(trash.data)},
    )


async def messages_of(client: Client, chat_id: str) -> list[Row]:
    """The shown messages of a conversation."""
    return whole((await client.get(f"/chat/conversations/{chat_id}/messages?pageSize={PAGE}")).data)


def whole(page: Any) -> list[Row]:
    """The rows of a page that must be the only one."""
    assert page["total"] == len(page["list"]), "more than a page: this archive has grown too large"
    rows: list[Row] = page["list"]
    return rows


def differences(mine: State, fresh: State) -> list[str]:
    """Every way in which the one is not the other."""
    found = [
        f"{name}: {_missing(ours, theirs)}"
        for name, ours, theirs in (
            ("conversations", mine.conversations.keys(), fresh.conversations.keys()),
            ("messages of conversations", mine.messages.keys(), fresh.messages.keys()),
            ("trash", mine.trash, fresh.trash),
        )
        if ours != theirs
    ]
    for uuid in mine.conversations.keys() & fresh.conversations.keys():
        found += _rows(f"conversation {uuid}", [mine.conversations[uuid]], [fresh.conversations[uuid]])
    for uuid in mine.messages.keys() & fresh.messages.keys():
        found += _rows(f"messages of {uuid}", mine.messages[uuid], fresh.messages[uuid])
    if mine.order != fresh.order:
        found.append(f"order: {mine.order} instead of {fresh.order}")
    return found + _rows("groups", mine.groups, fresh.groups)


def _missing(ours: Any, theirs: Any) -> str:
    return f"without {sorted(theirs - ours)}, still with {sorted(ours - theirs)}"


def _rows(name: str, ours: Sequence[Row], theirs: Sequence[Row]) -> list[str]:
    names = [[row.get("uuid", row["id"]) for row in rows] for rows in (ours, theirs)]
    if names[0] != names[1]:
        return [f"{name}: {names[0]} instead of {names[1]}"]
    return [
        f"{name}, {row.get('uuid', row['id'])}, {field}: {row.get(field)!r} instead of {value!r}"
        for row, other in zip(ours, theirs, strict=True)
        for field, value in other.items()
        if row.get(field) != value and not (other.get("state") == "streaming" and field in GROWING)
    ]
