"""kill -9 at random moments with streams running: nothing that a client has seen may be lost.

    python -m benchmarks.kill_rounds [--rounds 100] [--streams 20] [--database postgresql://...]

Each round sends questions, kills the server at a random moment (before the answers' heads, in mid-stream,
at their ends; one restart in five is itself killed), starts it again and checks, for every stream:

* the replay begins with every byte that the client had received, and has one end, gapless ids, and chunks
  that are the end's content and a prefix (of a complete reply: all) of what the upstream said;
* the same request again, with its Idempotency-Key, attaches to that generation, or begins it if the
  first had not been stored: there is one such question in the conversation;
* the stored reply is what the replay told, and 15 s after the start nothing is still `streaming`.

At the end all rounds are checked once more. With PostgreSQL a run is only taken over when its lease has
ended, which takes longer than a round: there, only the check at the end is made.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import uvloop

from benchmarks import replies
from benchmarks.api import Api, join, say
from benchmarks.databases import integrity, temporary_database
from benchmarks.figures import middle, table, verdict
from benchmarks.processes import Running, Setting, Stage, stage
from benchmarks.sse_client import Event, Exchange, Mismatch, check_whole, open_exchange, parse

_LIMIT_SECONDS = 15.0
_CHECKED_AT_ONCE = 100


class Question(NamedTuple):
    """One question, each in a conversation of its own."""

    chat_id: str
    chunks: int

    @property
    def content(self) -> str:
        """What is asked."""
        return f"问 {self.chat_id}"

    def request(self, port: int) -> bytes:
        """The request, which is the same each time it is sent."""
        script = {"chunks": self.chunks, "rate": 50}
        return say(port, self.chat_id, self.content, script, Idempotency_Key=self.chat_id)


class Asked(NamedTuple):
    """A question, and what its client had of the answer when the server was killed."""

    question: Question
    exchange: Exchange

    @property
    def seen(self) -> bytes:
        """The body as far as it came, the last half of an event included."""
        rest = b"" if self.exchange.rest.startswith(b":") else self.exchange.rest
        return b"\n\n".join((*self.exchange.blocks, rest))


class Tally:
    """What the checks found."""

    def __init__(self) -> None:
        self.streams = self.events = self.complete = self.interrupted = self.headless = 0
        self.wrong: list[str] = []


class Rounds:
    """The rounds of one run."""

    def __init__(self, on: Stage, setting: Setting, chance: random.Random, streams: int) -> None:
        self._on, self._setting, self._chance, self._streams = on, setting, chance, streams
        self.asked: list[Asked] = []
        self.settled: list[float] = []
        self.server: Running

    async def start(self) -> None:
        """Start the server; one time in five it is killed while it starts or recovers, and started again."""
        self.server = self._on.exec_server(setting=self._setting)
        if self.asked and self._chance.random() < 0.2:
            await asyncio.sleep(self._chance.uniform(0.3, 1.5))
            self.server.kill()
            self.server = self._on.exec_server(setting=self._setting)
        await self.server.healthy()

    async def once(self) -> list[Asked]:
        """Ask, kill, start again; what was asked."""
        async with Api(self.server.port) as api:
            chats = [await api.conversation() for _ in range(self._streams)]
        asking = [
            asyncio.create_task(self._ask(Question(chat, self._chance.randint(20, 120)))) for chat in chats
        ]
        # The replies take 0.4 to 2.7 s: most moments are in mid-stream, some at a beginning or an end.
        await asyncio.sleep(self._chance.uniform(0.0, 2.2))
        self.server.kill()
        results = await asyncio.gather(*asking, return_exceptions=True)
        # Some had not even connected: there is nothing to lose then.
        asked = [result for result in results if not isinstance(result, OSError)]
        self.asked += asked
        await self.start()
        return asked

    async def _ask(self, question: Question) -> Asked:
        await asyncio.sleep(self._chance.uniform(0, 0.3))
        exchange = await open_exchange(self.server.port, question.request(self.server.port))
        await exchange.ended
        return Asked(question, exchange)

    async def check(self, asked: Sequence[Asked], tally: Tally) -> None:
        """Check these streams; what is wrong goes into the tally."""
        async with Api(self.server.port) as api:
            checks = (_check(api, each, tally) for each in asked)
            for result in await asyncio.gather(*checks, return_exceptions=True):
                if isinstance(result, Mismatch):
                    tally.wrong.append(str(result))
                elif result is not None:
                    raise result
        self.settled.append(time.monotonic() - self.server.started_at)


async def _check(api: Api, asked: Asked, tally: Tally) -> None:
    events = parse((await _replay(api.port, asked)).blocks)
    text, end = check_whole(events), events[-1].value["type"]
    said = "".join(replies.pieces(asked.question.content, asked.question.chunks))
    if not (text == said if end == "complete" else said.startswith(text)):
        raise Mismatch(f"{asked.question}: {end}, and the text is not the upstream's")
    await _check_stored(api, asked.question, events)
    tally.streams += 1
    tally.events += len(asked.exchange.blocks)
    tally.complete += end == "complete"
    tally.interrupted += end == "error"
    tally.headless += asked.exchange.task_id is None


async def _replay(port: int, asked: Asked) -> Exchange:
    """The whole stream of a question, by asking again and by its task id. Raises Mismatch."""
    again = await _finished(await open_exchange(port, asked.question.request(port)), asked.question)
    if asked.exchange.task_id is None:
        return again
    joined = await _finished(await join(port, asked.exchange.task_id), asked.question)
    if again.task_id != asked.exchange.task_id or again.blocks != joined.blocks:
        raise Mismatch(f"{asked.question}: the retry attached to another generation or another stream")
    if not b"\n\n".join((*joined.blocks, b"")).startswith(asked.seen):
        raise Mismatch(f"{asked.question}: of {len(asked.seen)} bytes seen, some are not in the replay")
    return joined


async def _finished(exchange: Exchange, question: Question) -> Exchange:
    """An exchange at its end. Raises Mismatch where it is refused, or not over in time."""
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            is_whole = await exchange.ended
    except TimeoutError:
        raise Mismatch(f"{question}: still streaming after {_LIMIT_SECONDS:g} s") from None
    if exchange.status != 200 or not is_whole:
        raise Mismatch(f"{question}: status {exchange.status}: {exchange.rest[:300]!r}")
    return exchange


async def _check_stored(api: Api, question: Question, events: Sequence[Event]) -> None:
    """The conversation holds the question once, and the reply as the stream told it. Raises Mismatch."""
    messages = await api.messages(question.chat_id)
    said = [(message["role"], message["content"]) for message in messages]
    if said != [("user", question.content), ("assistant", events[-1].value["content"])]:
        raise Mismatch(f"{question}: stored otherwise than streamed: {[role for role, _ in said]}")
    state = {"complete": "complete", "error": "interrupted"}[events[-1].value["type"]]
    if messages[1]["state"] != state:
        raise Mismatch(f"{question}: state {messages[1]['state']} instead of {state}")


async def _run(rounds: Rounds, number_of_rounds: int, *, is_postgres: bool) -> list[tuple[str, Tally]]:
    each, again = Tally(), Tally()
    await rounds.start()
    for number in range(1, number_of_rounds + 1):
        asked = await rounds.once()
        if not is_postgres:
            await rounds.check(asked, each)
        if number % 10 == 0:
            print(f"  {number} rounds, {each.events} events seen, {len(each.wrong)} wrong", flush=True)
    await asyncio.sleep(_LIMIT_SECONDS - (time.monotonic() - rounds.server.started_at))
    settled = list(rounds.settled)
    for at in range(0, len(rounds.asked), _CHECKED_AT_ONCE):
        await rounds.check(rounds.asked[at : at + _CHECKED_AT_ONCE], again)
    rounds.settled = settled
    return [("after each round", each), ("15 s after the last", again)]


async def measure(given: argparse.Namespace) -> int:
    """Run the rounds; print what they gave."""
    kind = given.database.partition(":")[0]
    print(f"{given.rounds} rounds of {given.streams} streams on {kind}, seed {given.seed}")
    async with temporary_database(given.database) as setting, stage() as on:
        rounds = Rounds(on, setting, random.Random(given.seed), given.streams)
        tallies = await _run(rounds, given.rounds, is_postgres=kind != "sqlite")
        status = await rounds.server.stop()
        damage = integrity(on.folder / "duihua" / "duihua.db")
        complaints = on.complaints()
    heads = (
        "checked",
        "streams",
        "events seen",
        "complete",
        "interrupted",
        "killed before the head",
        "wrong",
    )
    table("Killed and started again", heads, [_row(*tally) for tally in tallies])
    if rounds.settled:
        print(f"  all streams of a round ended and checked {middle(rounds.settled):.1f} s after the start of")
        print(f"  the restarted server (median; most: {max(rounds.settled):.1f} s)")
    wrong = [text for _, tally in tallies for text in tally.wrong]
    seen = max(tally.events for _, tally in tallies)
    print(*wrong[:10], *complaints[:10], sep="\n")
    return verdict(
        [
            (f"{len(wrong)} lost or wrong", not wrong),
            (f"{seen} events had been seen", seen > 0),
            (f"integrity of the database: {damage}", damage == "ok"),
            (f"{len(complaints)} complaints in the server's log, exit status {status}", not complaints),
        ]
    )


def _row(when: str, tally: Tally) -> tuple[object, ...]:
    counts = (tally.streams, tally.events, tally.complete, tally.interrupted, tally.headless)
    return (when, *counts, len(tally.wrong))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--database", default="sqlite", help="sqlite, or a PostgreSQL URL to make one beside")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return uvloop.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
