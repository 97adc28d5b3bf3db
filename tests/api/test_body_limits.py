"""Bodies are read within a limit; a client that sends too much still gets an answer."""

import asyncio
import json
from collections.abc import AsyncIterator

from tests.db.notes import on_sqlite
from tests.fixtures.client import Client
from tests.fixtures.server import StartServer

# Answered before a database is asked.
pytestmark = on_sqlite

LIMIT = 2000


async def chunks(raw: bytes) -> AsyncIterator[bytes]:
    """An iterator makes aiohttp send the body chunked, without its length."""
    for start in range(0, len(raw), 500):
        yield raw[start : start + 500]


def body(size: int) -> bytes:
    """A conversation as JSON of exactly so many bytes."""
    empty = len(json.dumps({"description": ""}))
    return json.dumps({"description": "x" * (size - empty)}).encode()


async def test_a_json_body_may_have_so_many_bytes_and_no_more(start_server: StartServer) -> None:
    async with start_server(max_body_bytes=LIMIT) as client:
        json_type = {"Content-Type": "application/json"}
        for size, status in ((LIMIT, 200), (LIMIT + 1, 413), (50 * LIMIT, 413)):
            for sent in (body(size), chunks(body(size))):
                answer = await client.post("/chat/conversations", data=sent, headers=json_type)
                assert answer.status == status, size
        assert answer.error == "body_too_large"
        assert str(LIMIT) in answer.body["message"]
        assert (await client.get("/chat/conversations/list")).data["total"] == 2


async def test_a_retry_key_does_not_lift_the_limit(start_server: StartServer) -> None:
    async with start_server(max_body_bytes=LIMIT) as client:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
        refused = await client.post("/chat/conversations", data=chunks(body(50 * LIMIT)), headers=headers)
        assert refused.error == "body_too_large"
        assert (await client.post("/chat/conversations", data=body(100), headers=headers)).status == 200


async def test_who_asks_first_sends_nothing_in_vain(start_server: StartServer) -> None:
    """With `Expect: 100-continue` the refusal comes instead of the invitation to go on."""
    async with start_server(max_body_bytes=LIMIT) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(client.origin.rpartition(":")[2]))
        lines = ("POST /chat/conversations HTTP/1.1", "Host: localhost", "Content-Type: application/json")
        head = "\r\n".join((*lines, f"Content-Length: {LIMIT + 1}", "Expect: 100-continue", "", ""))
        writer.write(head.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_goes_away_while_sending_is_no_failure(client: Client) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(client.origin.rpartition(":")[2]))
    head = "POST /chat/conversations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await client.get("/chat/conversations/list")).data["total"] == 0
