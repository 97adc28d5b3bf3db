"""What a provider that does not answer costs those who ask another.

    python -m benchmarks.bad_provider [--rounds 6] [--questions 30]

Questions to a good model, one at a time, by turns with nobody beside them, beside four people who ask the
same model again and again, and beside four who ask providers that refuse connections or never answer. The
time is until the first token. Whoever asks takes of the server's time, whom ever: what a bad provider costs
is what it costs more than a good one.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvloop

from benchmarks.api import Api, say
from benchmarks.figures import middle, percentile, table, verdict
from benchmarks.first_token import first
from benchmarks.processes import free_port, stage

MOST = 1.1
_SCRIPT = {"chunks": 3, "rate": 100}
_PEOPLE = 4
_PATIENCE_SECONDS = 1
_PAUSE_SECONDS = 0.5


@asynccontextmanager
async def _silent() -> AsyncIterator[int]:
    """The port of a server that takes connections and says nothing."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            writer.transport.abort()


async def _connected(api: Api, name: str, port: int) -> str:
    """A conversation whose model is at that port."""
    address = f"http://127.0.0.1:{port}/v1"
    made = {"model_name": name, "model_url": address, "provider": "custom", "timeout": _PATIENCE_SECONDS}
    connection = await api.call("POST", "/chat/api-keys", made)
    return await api.conversation(api_key_id=connection["id"], model_id=name)


class People:
    """Some who ask again and again, each in a conversation of their own, whenever they are let."""

    def __init__(self, api: Api, chats: Sequence[str]) -> None:
        self.heard, self.let = Counter[str](), asyncio.Event()
        self._tasks = [asyncio.create_task(self._insist(api, chat_id)) for chat_id in chats]

    async def _insist(self, api: Api, chat_id: str) -> None:
        while True:
            await self.let.wait()
            # The bad ones do not heed the script; the good one says no more than they.
            question = {"chat_id": chat_id, "content": "还在吗", "config": {"upstream": {"chunks": 1}}}
            answer = await api.call("POST", "/chat/messages", question)
            self.heard[answer["reply"]["error"] or "an answer"] += 1
            await asyncio.sleep(_PAUSE_SECONDS)

    async def end(self) -> None:
        """Send them home. Raises what one of them met."""
        for task in self._tasks:
            task.cancel()
        for end in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(end, asyncio.CancelledError):
                raise RuntimeError("somebody stopped asking") from end


async def _asked(api: Api, questions: int) -> list[float]:
    """Milliseconds until the first token of each."""
    taken = []
    for number in range(questions):
        chat_id = await api.conversation(model_id="bench")
        await asyncio.sleep(0.01)
        taken.append(await first(api.port, say(api.port, chat_id, f"question {number}", _SCRIPT)))
    return taken


async def measure(rounds: int, questions: int) -> int:
    """Take turns; print the table."""
    found: dict[str, list[list[float]]] = {"alone": [], "beside a good one": [], "beside bad ones": []}
    async with stage() as on, _silent() as silent:
        server = await on.start_server()
        async with Api(server.port) as api:
            dead = [await _connected(api, "refusing", free_port()), await _connected(api, "silent", silent)]
            people = {
                "beside a good one": People(
                    api, [await api.conversation(model_id="bench") for _ in range(_PEOPLE)]
                ),
                "beside bad ones": People(api, [dead[n % 2] for n in range(_PEOPLE)]),
            }
            await _asked(api, questions)
            for _ in range(rounds):
                found["alone"].append(await _asked(api, questions))
                for name, asking in people.items():
                    asking.let.set()
                    # Until the first of them were told.
                    await asyncio.sleep(_PATIENCE_SECONDS + _PAUSE_SECONDS)
                    found[name].append(await _asked(api, questions))
                    asking.let.clear()
                    await asyncio.sleep(_PATIENCE_SECONDS)
            for asking in people.values():
                await asking.end()
    return _report(found, {name: asking.heard for name, asking in people.items()})


def _report(found: dict[str, list[list[float]]], heard: dict[str, Counter[str]]) -> int:
    rows = [
        (name, *(f"{middle([percentile(each, at) for each in windows]):.2f}" for at in (50, 95)))
        for name, windows in found.items()
    ]
    table("First token of a good provider (ms, medians of the rounds)", ("", "p50", "p95"), rows)
    for name, told in heard.items():
        print(f"what was heard {name}:", dict(told))
    pairs = zip(found["beside a good one"], found["beside bad ones"], strict=True)
    ratio = middle([percentile(bad, 95) / percentile(good, 95) for good, bad in pairs])
    return verdict(
        [
            (
                f"p95 beside bad providers, to that beside a good one: {ratio:.2f} x <= {MOST} x",
                ratio <= MOST,
            ),
            ("the bad ones were left alone", heard["beside bad ones"]["provider_paused"] > 0),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--questions", type=int, default=30)
    given = parser.parse_args()
    return uvloop.run(measure(given.rounds, given.questions))


if __name__ == "__main__":
    sys.exit(main())
