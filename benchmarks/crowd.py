"""Clients that ask one question after the other, each in a conversation of its own, whatever happens."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.faults.driver import states
from tests.faults.history import Insistent
from tests.faults.listener import listen, post
from tests.faults.scenarios import Outcome, outcome_of

_ANSWER_SECONDS = 3.0
_PAUSE_SECONDS = 0.05
_LATELY_SECONDS = 0.3
Script = Callable[[], dict[str, Any]]


class Crowd:
    """So many at once. Where they may ask is in `ports`, which whoever kills and starts servers changes."""

    def __init__(self, script: Script) -> None:
        self.ports: list[int] = []
        self.clients: list[Insistent] = []
        self.refusals: Counter[str] = Counter()
        self._script = script
        self._asks = True
        self._following: set[Insistent] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, number: int) -> None:
        """Ask."""
        self._tasks = [asyncio.create_task(self._one_after_another()) for _ in range(number)]

    @property
    def hearing(self) -> int:
        """To how many something of a reply is coming."""
        return sum(client.hears(_LATELY_SECONDS) for client in self._following)

    async def outcome(self, database_url: str, since: float, patience: float) -> Outcome:
        """Ask nothing more; wait for every end; compare."""
        self._asks = False
        async with asyncio.timeout(patience):
            await asyncio.gather(*self._tasks)
        found = await outcome_of(self.clients, database_url, since)
        stored = {chat_id for chat_id, _, _ in await states(database_url)}
        unknown = stored - {client.chat_id for client in self.clients}
        wrong = [f"{chat_id}: a conversation that no client knows" for chat_id in unknown]
        return found._replace(differences=found.differences + wrong, refusals=found.refusals + self.refusals)

    def close(self) -> None:
        """Let go."""
        for task in self._tasks:
            task.cancel()

    async def _one_after_another(self) -> None:
        while self._asks:
            client = Insistent(self.ports, await self._conversation(), **self._script())
            self.clients.append(client)
            self._following.add(client)
            await client.follow()
            self._following.remove(client)

    async def _conversation(self) -> str:
        """The name of a new one, asked for by one key until it is told."""
        request = post("/chat/conversations", {"title": "不断"}, key=uuid.uuid4().hex)
        while True:
            try:
                listener = await listen(random.choice(self.ports), request)
                await asyncio.wait([listener.ended], timeout=_ANSWER_SECONDS)
                listener.abort()
                is_whole = await listener.ended
                if is_whole and listener.status == 200:
                    return str(listener.answer()["data"]["uuid"])
                # Of one that was cut the head may have come: who is killed refuses nothing.
                told = f"{listener.status} {listener.answer()['error']}" if is_whole else "no connection"
                self.refusals[told] += 1
            except (OSError, IndexError):
                self.refusals["no connection"] += 1
            await asyncio.sleep(_PAUSE_SECONDS)


@asynccontextmanager
async def crowd(number: int, script: Script) -> AsyncIterator[Crowd]:
    """So many clients at once, as soon as there is a port."""
    opened = Crowd(script)
    opened.begin(number)
    try:
        yield opened
    finally:
        opened.close()
