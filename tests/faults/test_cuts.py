"""Connections cut at random bytes and resumed with `Last-Event-ID`: nothing lost, nothing repeated."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.driver import Server, client_of, servers
from tests.faults.listener import Frame, get, listen, post, whole
from tests.faults.proxy import PLACES, Cut, Proxy, bytes_missing, proxy
from tests.generation.laws import lawful

CUTS = 60
AT_ONCE = 4
STREAM = "/chat/messages/stream"
TEXT = "每一个字都要到达，一个也不能少。🌏 Nothing is lost, nothing is repeated.\n\n" * 6


async def test_a_stream_survives_cuts_anywhere(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    cuts: Counter[str] = Counter()
    async with servers(tmp_path) as started:
        server = await started.start()
        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(_follower(server, random.Random(seed + number), cuts))
    assert cuts.total() >= CUTS, cuts
    assert min(cuts[place] for place in PLACES) >= CUTS // 6, cuts


async def _follower(server: Server, chance: random.Random, cuts: Counter[str]) -> None:
    while cuts.total() < CUTS:
        async with client_of(server) as client, proxy(server.port) as between:
            chat_id = (await client.conversation())["uuid"]
            body = {"chat_id": chat_id, "content": "问", "config": {"offline": {"text": TEXT, "rate": 250}}}
            frames, task_id = await _follow(between, chance, post(STREAM, body, key=chat_id))
            replay = await whole(server.port, get(f"{STREAM}/{task_id}"))
            assert b"".join(frame.raw for frame in frames) == replay.seen()
            assert lawful([frame.event for frame in frames])["content"] == TEXT
            shown = await client.messages(chat_id)
            assert [message["role"] for message in shown] == ["user", "assistant"]
            cuts += between.cuts


async def _follow(between: Proxy, chance: random.Random, request: bytes) -> tuple[list[Frame], str]:
    """Every whole event that came through the cuts, and the task's id. Before it is known, ask again."""
    frames: list[Frame] = []
    task_id: str | None = None
    is_whole = False
    while not is_whole:
        place = chance.choice(list(PLACES))
        between.cut = Cut(place, chance.randrange(1500), resets=chance.random() < 0.5)
        listener = await listen(between.port, request)
        async with asyncio.timeout(30):
            is_whole = await listener.ended
        frames += listener.frames()
        task_id = listener.task_id or task_id
        if task_id is not None:
            resume: dict[str, Any] = {"Last_Event_ID": frames[-1].event.id} if frames else {}
            request = get(f"{STREAM}/{task_id}", **resume)
    assert task_id is not None
    return frames, task_id


def test_the_places_are_what_they_say() -> None:
    within = [bytes_missing("字🌏".encode()[:length]) for length in range(8)]
    assert within == [0, 2, 1, 0, 3, 2, 1, 0]
    assert PLACES["in the blank line"](b'"}\n')
    assert not PLACES["in the blank line"](b"}\n\n")
    assert not PLACES["in the blank line"](b"1\r\n")
