"""What a provider that does not answer costs those who ask another.

    python -m benchmarks.bad_provider [--rounds 6] [--questions 30]

Questions to a good model, one at a time, by turns with nobody beside them, and beside four people who ask a
provider that refuses connections or never answers, again and again. The time is until the first token.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
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


async def _insist(api: Api, chat_id: str, let: asyncio.Event, heard: Counter[str]) -> None:
    """Ask again and again, whenever it is let."""
    while True:
        await let.wait()
        answer = await api.call("POST", "/chat/messages", {"chat_id": chat_id, "content": "还在吗"})
        heard[answer["reply"]["error"]] += 1
        await asyncio.sleep(_PAUSE_SECONDS)


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
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    heard, let = Counter[str](), asyncio.Event()
    async with stage() as on, _silent() as silent:
        server = await on.start_server()
        async with Api(server.port) as api:
            bad = [await _connected(api, "refusing", free_port()), await _connected(api, "silent", silent)]
            await _asked(api, questions)
            people = [
                asyncio.create_task(_insist(api, bad[n % 2], let, heard), name=f"person {n}")
                for n in range(_PEOPLE)
            ]
            for _ in range(rounds):
                alone.append(await _asked(api, questions))
                let.set()
                # Until the first of them were told.
                await asyncio.sleep(_PATIENCE_SECONDS + _PAUSE_SECONDS)
                beside.append(await _asked(api, questions))
                let.clear()
                await asyncio.sleep(_PATIENCE_SECONDS)
            for person in people:
                person.cancel()
            ended = await asyncio.gather(*people, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended
    found = {"alone": alone, "beside a bad provider": beside}
    rows = [
        (name, *(f"{middle([percentile(each, at) for each in windows]):.2f}" for at in (50, 95)))
        for name, windows in found.items()
    ]
    table("First token of a good provider (ms, medians of the rounds)", ("", "p50", "p95"), rows)
    print("what was heard of the bad ones:", dict(heard))
    added = middle([percentile(b, 95) / percentile(a, 95) for a, b in zip(alone, beside, strict=True)])
    return verdict(
        [
            (f"p95 beside a bad provider: {added:.2f} x <= {MOST} x", added <= MOST),
            ("the bad ones were left alone", heard["provider_paused"] > 0),
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
