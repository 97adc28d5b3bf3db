"""A client that does not read: little is kept for it, it is dropped, and it resumes."""

import asyncio
import gc

import pytest

from duihua.generation.feeds import Feed, Follower
from duihua.http import connection
from duihua.http.connection import Connection
from tests.db.notes import on_sqlite
from tests.faults.listener import get
from tests.faults.silent import Silent
from tests.fixtures.client import Client
from tests.fixtures.server import StartServer
from tests.generation.asking import asked


async def test_who_is_behind_is_given_one_piece_after_the_other() -> None:
    frames = [b"x" * size for size in (10, 3_000, 9_000, 1, 20_000, 1)]
    pieces = [piece async for piece in Follower(Feed(frames, ended=True), 0)]
    assert b"".join(pieces) == b"".join(frames)
    assert [len(piece) for piece in pieces] == [3_010, 9_000, 1, 20_000, 1]
    assert pieces[3] is frames[4], "a long frame is everybody's, and copied for nobody"


def _waiting() -> list[int]:
    """How many bytes wait in each connection that waits for its client."""
    connections = [thing for thing in gc.get_objects() if isinstance(thing, Connection)]
    return [
        each.transport.get_write_buffer_size() for each in connections if each.flow and each.flow.write_paused
    ]


@on_sqlite
async def test_who_takes_nothing_is_dropped_and_loses_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "STUCK_SECONDS", 0.5)
    monkeypatch.setattr(connection, "_LOOK_SECONDS", 0.1)
    chat_id = (await client.conversation())["uuid"]
    silent = Silent()
    # The last event holds all that the reply said, once more: together more than any kernel takes.
    many = asked(chat_id, tokens=200_000, rate=0)
    async with client.open_stream("/chat/messages/stream", many) as stream:
        place = f"/chat/messages/stream/{stream.task_id}"
        await silent.ask(int(client.origin.rpartition(":")[2]), get(place))
        events = [event async for event in stream]
    async with asyncio.timeout(30):
        while not _waiting():  # noqa: ASYNC110 - the server tells nobody that it waits
            await asyncio.sleep(0.01)
        assert max(_waiting()) <= 3 * connection.MOST_WAITING_BYTES
        while _waiting():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        seen = [frame.event for frame in await silent.read()]
    assert len(seen) < len(events), "it had all of it"
    assert seen + await client.stream(place, after=len(seen)) == events


@on_sqlite
async def test_who_takes_nothing_keeps_no_server(start_server: StartServer) -> None:
    silent = Silent()
    async with asyncio.timeout(20), start_server(drain_seconds=60) as client:
        chat_id = (await client.conversation())["uuid"]
        many = asked(chat_id, tokens=200_000, rate=0)
        events = await client.stream("/chat/messages/stream", many)
        place = f"/chat/messages/stream/{events[1].data['task_id']}"
        await silent.ask(int(client.origin.rpartition(":")[2]), get(place))
        while not _waiting():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    await silent.read()


async def test_nobody_follows_what_nobody_reads(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    await client.stream("/chat/messages/stream", asked(chat_id, tokens=3))
    async with asyncio.timeout(5):
        while client.app.state.engine.feeds.followed:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
