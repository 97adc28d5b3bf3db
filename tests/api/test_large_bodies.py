"""A body of any allowed size is refused or taken before anybody else has waited for long."""

import io
import time

import pytest

from duihua.http.body import MAX_PARTS
from tests.db.notes import on_sqlite
from tests.fixtures.client import Client

# Refused before a database is asked.
pytestmark = on_sqlite

SIZE = 4_000_000


@pytest.mark.parametrize("piece", [b"[],", b'{"a":1},', b"1e9,", b'"",', b"[[]],"])
async def test_millions_of_values_take_no_time(client: Client, piece: bytes) -> None:
    raw = b'{"config": {"a": [' + piece * (SIZE // len(piece)) + b"0]}}"
    began = time.thread_time()
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/chat/conversations", data=io.BytesIO(raw), headers=headers)
    # The server is in this thread: reading the body and sending it count, and took a tenth of this.
    assert time.thread_time() - began < 0.25
    assert (answer.status, answer.error) == (422, "invalid_input")
    assert "值过多" in answer.body["detail"][0]["msg"]


async def test_a_text_may_hold_what_looks_like_values(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    text = 'a, [b] {c} "d" \\ ' * 40_000
    await client.say(chat_id, text)
    assert (await client.messages(chat_id))[0]["content"] == text


async def test_ten_thousand_names_are_not_too_many(client: Client) -> None:
    settings = {f"name {number}": number for number in range(MAX_PARTS // 3)}
    answer = await client.post("/chat/conversations", {"title": "多", "config": settings})
    assert answer.status in {200, 422}
    assert "值过多" not in str(answer.body)
