"""How many replies there may be at once, how long one may be, and that one may be stopped at any time."""

import asyncio

from tests.fixtures.client import Client
from tests.fixtures.server import StartServer
from tests.generation.asking import asked, until
from tests.generation.laws import stored

STREAM = "/chat/messages/stream"


async def test_a_retry_gives_its_room_back(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    body, headers = asked(chat_id, tokens=3), {"Idempotency-Key": "the same"}
    for _ in range(3):
        await client.stream(STREAM, body, headers=headers)
    assert client.app.state.engine._admitted == 0


async def test_what_finds_no_room_is_refused_until_there_is_some(start_server: StartServer) -> None:
    async with start_server(max_generations=1) as client:
        chat_id = (await client.conversation())["uuid"]
        async with client.open_stream(STREAM, asked(chat_id, tokens=5, hang_after=2)) as opened:
            await until(opened, "chunk")
            answer = await client.post(STREAM, asked(chat_id))
            assert (answer.status, answer.error) == (503, "too_many_generations")
            assert int(answer.headers["Retry-After"]) > 0
            await client.post(f"{STREAM}/cancel?task_id={opened.task_id}")
        await stored(client, chat_id, await client.stream(STREAM, asked(chat_id, tokens=3)))


async def test_a_reply_that_does_not_end_is_ended(start_server: StartServer) -> None:
    async with start_server(max_reply_chars=100) as client:
        chat_id = (await client.conversation())["uuid"]
        events = await client.stream(STREAM, asked(chat_id, tokens=100_000))
        reply = await stored(client, chat_id, events)
        assert (reply["state"], reply["error"]) == ("failed", "reply_too_long")


async def test_a_reply_can_be_stopped_before_its_first_token(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    async with client.open_stream(STREAM, asked(chat_id, hang_after=0)) as opened, asyncio.timeout(2):
        seen = await until(opened, "assistant_start")
        for _ in range(2):
            answer = await client.post(f"{STREAM}/cancel?task_id={opened.task_id}")
            assert (answer.status, answer.data["state"]) == (200, "cancelled")
        seen += [event async for event in opened]
    await stored(client, chat_id, seen)
