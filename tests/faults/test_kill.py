"""kill -9 at random moments with replies running: what a client has seen is there after the restart."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.faults.driver import Server, client_of, servers, states
from tests.faults.listener import Listener, get, listen, post, whole
from tests.fixtures.client import Client
from tests.generation.laws import lawful, stored

STREAM = "/chat/messages/stream"
STREAMS = 10
# Within so many seconds after the restart, every reply that was interrupted says so. The promise is 15, which
# `benchmarks.faults` measures; a machine that runs other tests may take longer.
SETTLED_SECONDS = 45.0


class Asked(NamedTuple):
    """A question, and what its client had of the answer when the server was killed."""

    chat_id: str
    request: bytes
    listener: Listener


async def test_nothing_that_was_seen_is_lost(tmp_path: Path, database_url: str) -> None:
    """On PostgreSQL a lease must end before a run is taken over: fewer rounds, all checked after the last."""
    on_sqlite = database_url.startswith("sqlite")
    chance = random.Random()
    asked: list[Asked] = []
    async with servers(tmp_path, database_url) as started:
        server = await started.start()
        for _ in range(5 if on_sqlite else 2):
            asked += await _killed(server, chance)
            server = await started.start()
            if on_sqlite:
                await _check(server, asked[-STREAMS:])
        ends = await _check(server, asked)
        await _nothing_streams(server, asked)
    assert ends["complete"] > 0 < ends["error"], "the kills did not meet both beginnings and ends"


async def _killed(server: Server, chance: random.Random) -> list[Asked]:
    """Ask, and kill while the replies come. They take 0.05 to 2 s; a kill meets some of them anywhere."""
    async with client_of(server) as client:
        chats = [(await client.conversation())["uuid"] for _ in range(STREAMS)]
    asked = []
    for number, chat_id in enumerate(chats):
        request = _request(chat_id, tokens=chance.randint(5, 20) if number < 3 else chance.randint(20, 200))
        asked.append(Asked(chat_id, request, await listen(server.port, request)))
    # By now nearly all heads are there, and a third of a second later the shortest replies are complete.
    await asyncio.sleep(chance.uniform(0.0, 1.5))
    await server.kill()
    await asyncio.gather(*(each.listener.ended for each in asked))
    return asked


def _request(chat_id: str, tokens: int) -> bytes:
    script = {"tokens": tokens, "rate": 100}
    body = {"chat_id": chat_id, "content": f"问 {chat_id}", "config": {"offline": script}}
    return post(STREAM, body, key=chat_id)


async def _check(server: Server, asked: Sequence[Asked]) -> Counter[str]:
    """Every stream after the restart; how often each end was met."""
    async with client_of(server) as client, asyncio.TaskGroup() as group:
        ends = [group.create_task(_check_one(server, client, each)) for each in asked]
    return Counter(end.result() for end in ends)


async def _check_one(server: Server, client: Client, asked: Asked) -> str:
    """The replay continues what was seen, ends once and in time, and is what is stored. How it ended."""
    left = server.started_at + SETTLED_SECONDS - time.monotonic()
    # The same request again: it attaches to its generation, or begins it where it had not been stored.
    again = await whole(server.port, asked.request, left)
    assert asked.listener.task_id in {again.task_id, None}
    replay = await whole(server.port, get(f"{STREAM}/{again.task_id}"))
    assert replay.seen() == again.seen()
    assert replay.seen().startswith(asked.listener.seen()), "an event that was seen is gone"
    events = [frame.event for frame in replay.frames()]
    last = lawful(events)
    reply = await stored(client, asked.chat_id, events)
    assert reply["state"] == {"complete": "complete", "error": "interrupted"}[last["type"]]
    assert len(await client.messages(asked.chat_id)) == 2
    return str(last["type"])


async def _nothing_streams(server: Server, asked: Sequence[Asked]) -> None:
    """In the database, too, and each question has one generation."""
    rows = await states(server.database_url)
    assert sorted(chat_id for chat_id, _, _ in rows) == sorted(each.chat_id for each in asked)
    assert all(generation == message for _, generation, message in rows)
    assert {message for _, _, message in rows} <= {"complete", "interrupted"}


async def test_a_lost_acknowledgement_is_no_second_question(tmp_path: Path, database_url: str) -> None:
    """One request was stored, one was just on its way, one had not even been read when the kill came."""
    async with servers(tmp_path, database_url) as started:
        server = await started.start()
        async with client_of(server) as client:
            stored_one, on_its_way, unread = [(await client.conversation())["uuid"] for _ in range(3)]
            requests = {chat_id: _plain(chat_id) for chat_id in (stored_one, on_its_way, unread)}
            first = await listen(server.port, requests[stored_one])
            while not await client.messages(stored_one):
                assert not first.ended.done(), first.body
        second = await listen(server.port, requests[on_its_way])
        await asyncio.sleep(random.uniform(0, 0.01))
        server.freeze()
        third = await listen(server.port, requests[unread])
        await server.kill()
        for listener in (first, second, third):
            assert not await listener.ended
            assert listener.body == b"", "this one was acknowledged"
        server = await started.start()
        ends = {chat_id: await _retried(server, chat_id, requests[chat_id]) for chat_id in requests}
        assert ends[stored_one] == "interrupted"
        assert ends[on_its_way] in {"interrupted", "complete"}
        assert ends[unread] == "complete"
        assert Counter(chat_id for chat_id, _, _ in await states(server.database_url)) == dict.fromkeys(
            requests, 1
        )


def _plain(chat_id: str) -> bytes:
    """A send that is acknowledged at the end of its reply only, a second later."""
    script = {"tokens": 50, "rate": 50}
    body = {"chat_id": chat_id, "content": "问", "config": {"offline": script}}
    return post("/chat/messages", body, key=chat_id)


async def _retried(server: Server, chat_id: str, request: bytes) -> str:
    """How the reply ended that the retry was told of; it is the only one, to the only question."""
    answers = [(await whole(server.port, request, SETTLED_SECONDS)).answer() for _ in range(2)]
    assert answers[0] == answers[1]
    async with client_of(server) as client:
        question, reply = await client.messages(chat_id)
    assert question["uuid"] == answers[0]["data"]["message_id"]
    assert reply == answers[0]["data"]["reply"]
    return str(reply["state"])
