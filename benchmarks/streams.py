"""Many streams at once against a target, each checked against what the upstream must have said."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any, Self

import aiohttp

from benchmarks import replies
from benchmarks.api import Api, ask_model, say
from benchmarks.sse_client import Exchange, Mismatch, check_whole, open_exchange, openai_text, parse

_numbers = count(1)


class Load:
    """Questions to be asked at once, over so many connections."""

    def __init__(self, port: int, chats: Sequence[str | None], chunks: int, rate: float) -> None:
        """`chats` are conversations of Duihua, or None for each stream of an OpenAI-compatible target."""
        self._port, self._chats = port, chats
        self._chunks, self._rate = chunks, rate
        self.keys = [f"load-{next(_numbers)}" for _ in chats]

    @classmethod
    async def prepare(cls, port: int, is_duihua: bool, streams: int, chunks: int, rate: float) -> Self:
        """A load, its conversations made."""
        if not is_duihua:
            return cls(port, [None] * streams, chunks, rate)
        async with Api(port) as api:
            return cls(port, [await api.conversation() for _ in range(streams)], chunks, rate)

    def question(self, number: int) -> str:
        """What the stream of that number asks."""
        return f"问题 {self.keys[number]}: what is it?"

    def tokens(self, number: int) -> list[str]:
        """What the upstream answers to that."""
        return replies.pieces(self.question(number), self._chunks)

    async def start(self, *, over_seconds: float = 0.2) -> list[Exchange]:
        """Open every stream, spread over a moment as people are."""
        return await asyncio.gather(
            *(self._open(at, over_seconds * at / len(self._chats)) for at in range(len(self._chats)))
        )

    async def _open(self, number: int, delay: float) -> Exchange:
        await asyncio.sleep(delay)
        script: dict[str, Any] = {"chunks": self._chunks, "rate": self._rate, "key": self.keys[number]}
        chat_id, question = self._chats[number], self.question(number)
        ask = ask_model(self._port, question, script)
        return await open_exchange(
            self._port, ask if chat_id is None else say(self._port, chat_id, question, script)
        )

    async def finish(self, exchanges: Sequence[Exchange]) -> None:
        """Wait for the end of every stream and check it.

        Raises:
            Mismatch: a refused stream, or one that is not exactly what the upstream said.
        """
        await asyncio.gather(*(exchange.ended for exchange in exchanges))
        for number, exchange in enumerate(exchanges):
            self.check(number, exchange)

    def check(self, number: int, exchange: Exchange) -> None:
        """Check one finished stream. Raises Mismatch."""
        if exchange.status != 200:
            raise Mismatch(f"status {exchange.status}: {exchange.rest[:300]!r}")
        is_duihua = self._chats[number] is not None
        text = check_whole(parse(exchange.blocks)) if is_duihua else openai_text(exchange.blocks)
        if text != "".join(self.tokens(number)):
            raise Mismatch(f"{self.keys[number]}: the text is not what the upstream said")


async def calls(upstream_port: int, key: str) -> list[dict[str, Any]]:
    """The upstream's log of a key: for each request its prompt's digest and the times of its tokens."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{upstream_port}/log/{key}") as answer,
    ):
        found: list[dict[str, Any]] = await answer.json()
        return found


async def sent_times(upstream_port: int, key: str) -> list[float]:
    """When each token of a key was written (CLOCK_MONOTONIC)."""
    return [at for call in await calls(upstream_port, key) for at in call["sent"]]
