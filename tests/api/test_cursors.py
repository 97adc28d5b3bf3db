"""Cursors that nobody was given: refused by every list, like any other bad input."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.client import Client

MOMENT = "2026-01-01T00:00:00+00:00"
LISTS = {
    "/chat/conversations/list?sort=updated": ["conversations.updated", False, MOMENT, 1],
    "/chat/conversations/list?sort=created": ["conversations.created", False, MOMENT, 1],
    "/chat/conversations/list?sort=title": ["conversations.title", False, "a", 1],
    "/chat/trash?": ["trash", MOMENT, 1],
    "/chat/api-keys/list?": ["connections", 1],
    "/chat/prompts/list?": ["prompts", 1, 1],
    "/chat/conversations/{}/messages?": ["messages", 1],
}
BAD: dict[Any, list[Any]] = {
    1: [2**63, -(2**63) - 1, 2**70, 1e30, "1"],
    "a": ["a\0b", "\ud800", "\udc00a", 1],
    MOMENT: ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 10**15],
}


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def forged(position: list[Any]) -> Iterator[bytes]:
    yield b"[" * 700
    for place, part in enumerate(position[1:], start=1):
        for bad in [] if isinstance(part, bool) else BAD[part]:
            yield json.dumps([*position[:place], bad, *position[place + 1 :]]).encode()


@pytest.mark.parametrize("path", LISTS)
async def test_a_forged_cursor_is_refused(client: Client, path: str) -> None:
    start = path.format((await client.conversation())["uuid"]) + "&cursor="
    assert (await client.get(start + encoded(json.dumps(LISTS[path]).encode()))).status == 200
    for content in forged(LISTS[path]):
        answer = await client.get(start + encoded(content))
        assert (answer.status, answer.body["detail"][0]["loc"]) == (422, ["query", "cursor"]), content
