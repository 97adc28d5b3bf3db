"""Real conversations through the running server, which is killed meanwhile: every byte must be there.

    python -m benchmarks.replay [--dialogues 210] [--at-once 20] [--kills 3]

Sends the user turns of dialogues in Chinese, English and other languages; the upstream streams the
dialogue's own answers. At random moments the server is killed with SIGKILL and started again: a client
whose connection ended sends its request again, with the same Idempotency-Key. That must attach to the same
generation, with the same events; one that was interrupted is generated anew. In the end, and again after a
last kill, every stored conversation must equal what was sent and streamed, every prompt that the upstream
saw must have been the conversation so far, and no turn may have asked it more often than it has versions.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import uvloop

from benchmarks import replies
from benchmarks.api import Api, say
from benchmarks.dialogues import LANGUAGES, DataMissing, Dialogue, Turn, sample
from benchmarks.figures import table, verdict
from benchmarks.processes import Running, Stage, stage
from benchmarks.sse_client import Event, Exchange, Mismatch, check_whole, open_exchange, parse, post
from benchmarks.streams import calls

_RATE = 100.0
_TURN_SECONDS = 60.0
_REGENERATE = "/chat/messages/regenerate"


class Replayed:
    """A dialogue and the conversation made of it; `versions` counts the replies of each turn."""

    def __init__(self, dialogue: Dialogue, chat_id: str) -> None:
        self.dialogue, self.chat_id = dialogue, chat_id
        self.versions: list[int] = []

    def key(self, number: int) -> str:
        """The name of a turn in the upstream's log."""
        return f"{self.chat_id}.{number}"

    def prompts(self) -> Iterator[list[tuple[str, str]]]:
        """What the model must have been shown at each turn."""
        told = [("system", self.dialogue.system)] if self.dialogue.system else []
        for question, answer in self.dialogue.turns:
            told.append(("user", question))
            yield list(told)
            told.append(("assistant", answer))


class Replay:
    """The replay of many dialogues against one server, whichever process that is just now."""

    def __init__(self, on: Stage, seed: int) -> None:
        self._on, self._chance = on, random.Random(seed)
        self._turn_done = asyncio.Event()
        self.server: Running
        self.counts: Counter[str] = Counter()

    async def start(self) -> None:
        """Start the server."""
        self.server = await self._on.start_server()

    async def kill_now_and_then(self, kills: int, turns: int) -> None:
        """Kill the server and start it again when about so many equal parts of the turns are done."""
        for number in range(1, kills + 1):
            while self.counts["turns"] < turns * number / (kills + 1):
                self._turn_done.clear()
                await self._turn_done.wait()
            await asyncio.sleep(self._chance.uniform(0, 0.3))
            self.server.kill()
            await self.start()

    async def hold(self, replayed: Replayed) -> None:
        """Hold one dialogue. Raises Mismatch."""
        for number, turn in enumerate(replayed.dialogue.turns):
            async with asyncio.timeout(_TURN_SECONDS):
                replayed.versions.append(await self._turn(replayed, number, turn))
            self.counts["turns"] += 1
            self._turn_done.set()
            self.counts["characters"] += len(turn.question) + len(turn.answer)

    async def _turn(self, replayed: Replayed, number: int, turn: Turn) -> int:
        """Hold one turn; how many versions its reply has."""
        script = {"text": turn.answer, "rate": _RATE, "key": replayed.key(number)}

        def ask(port: int) -> bytes:
            return say(port, replayed.chat_id, turn.question, script, Idempotency_Key=replayed.key(number))

        events, versions = await self._settled(ask), 1
        while events[-1].value["type"] != "complete":
            end = events[-1].value
            if end.get("error") != "generation_interrupted":
                raise Mismatch(f"{replayed.key(number)}: {end}")
            body = {"chat_id": replayed.chat_id, "message_id": end["message_id"], "stream": True}
            body["config"] = {"upstream": script}
            key = f"{replayed.key(number)}.{versions}"

            def again(port: int, body: object = body, key: str = key) -> bytes:
                return post(port, _REGENERATE, body, Idempotency_Key=key)

            events, versions = await self._settled(again), versions + 1
            self.counts["regenerated"] += 1
        if check_whole(events) != turn.answer:
            raise Mismatch(f"{replayed.key(number)}: streamed otherwise than answered")
        return versions

    async def _settled(self, request: Callable[[int], bytes]) -> list[Event]:
        """All events of a request, which is sent again for as often as the server dies under it."""
        told = Told()
        while True:
            try:
                exchange = await open_exchange(self.server.port, request(self.server.port))
            except OSError:
                await asyncio.sleep(0.02)
                continue
            is_whole = await exchange.ended
            self.counts["attached again"] += told.take(exchange)
            if is_whole:
                return parse(told.blocks)


class Told:
    """What the answers to one request, sent several times, have told so far."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self._task_id: str | None = None

    def take(self, exchange: Exchange) -> bool:
        """Take one more; whether it attached to the generation of one before. Raises Mismatch."""
        if exchange.status not in {0, 200}:
            raise Mismatch(f"status {exchange.status}: {exchange.rest[:300]!r}")
        shorter, longer = sorted((self.blocks, exchange.blocks), key=len)
        if longer[: len(shorter)] != shorter:
            raise Mismatch(f"{self._task_id}: the retry told other events")
        self.blocks = longer
        known, self._task_id = self._task_id, exchange.task_id or self._task_id
        if known not in {None, self._task_id}:
            raise Mismatch(f"the retry of {known} made another generation, {self._task_id}")
        return known is not None and exchange.task_id is not None


async def check_stored(api: Api, replayed: Replayed) -> None:
    """The conversation is what was sent and streamed. Raises Mismatch."""
    stored = await api.messages(replayed.chat_id)
    expected = [
        message
        for (question, answer), versions in zip(replayed.dialogue.turns, replayed.versions, strict=True)
        for message in (("user", question, "complete", 1), ("assistant", answer, "complete", versions))
    ]
    found = [(m["role"], m["content"], m["state"], m["version"]["count"]) for m in stored]
    if found != expected:
        wrong = next((pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]), None)
        raise Mismatch(
            f"{replayed.chat_id}: {len(found)} of {len(expected)} messages; first difference: {wrong}"
        )
    if any(later["created_at"] < earlier["created_at"] for earlier, later in pairwise(stored[::2])):
        raise Mismatch(f"{replayed.chat_id}: the questions are not in order")


async def check_prompts(upstream_port: int, replayed: Replayed) -> None:
    """The model was shown the conversation so far, once for each version. Raises Mismatch."""
    for number, prompt in enumerate(replayed.prompts()):
        asked = await calls(upstream_port, replayed.key(number))
        if len(asked) > replayed.versions[number]:
            raise Mismatch(
                f"{replayed.key(number)}: {len(asked)} calls, {replayed.versions[number]} versions"
            )
        if any(call["prompt"] != replies.digest(prompt) for call in asked):
            raise Mismatch(f"{replayed.key(number)}: the model was shown another prompt")


async def _at_once(limit: int, work: Callable[[Replayed], object], on: Sequence[Replayed]) -> list[str]:
    """Do `work` on each, so many at a time; what was wrong."""
    places = asyncio.Semaphore(limit)

    async def one(replayed: Replayed) -> None:
        async with places:
            await work(replayed)  # type: ignore[misc]  # any coroutine function

    results = await asyncio.gather(*map(one, on), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Mismatch | TimeoutError):
            raise result
    return [f"{type(result).__name__}: {result}" for result in results if result is not None]


async def _run(
    on: Stage, dialogues: Sequence[Dialogue], given: argparse.Namespace
) -> tuple[Counter[str], list[str]]:
    replay = Replay(on, given.seed)
    await replay.start()
    async with Api(replay.server.port) as api:
        held = [Replayed(dialogue, await api.conversation(title=dialogue.name)) for dialogue in dialogues]
        for replayed in held:
            if replayed.dialogue.system:
                change = {"config": {"system_prompt": replayed.dialogue.system}}
                await api.call("PUT", f"/chat/conversations/{replayed.chat_id}", change)
    turns = sum(len(dialogue.turns) for dialogue in dialogues)
    killing = asyncio.create_task(replay.kill_now_and_then(given.kills, turns))
    wrong = await _at_once(given.at_once, replay.hold, held)
    killing.cancel()
    held = [replayed for replayed in held if len(replayed.versions) == len(replayed.dialogue.turns)]
    wrong += await _at_once(20, lambda each: check_prompts(on.upstream.port, each), held)
    for when in ("after the replay", "after one more kill"):
        async with Api(replay.server.port) as api:
            found = await _at_once(20, lambda each: check_stored(api, each), held)
        wrong += [f"{when}: {text}" for text in found]
        replay.server.kill()
        await replay.start()
    return replay.counts, wrong


async def measure(given: argparse.Namespace) -> int:
    """Replay; print what that gave."""
    dialogues = sample(given.dialogues, given.seed)
    async with stage() as on:
        counts, wrong = await _run(on, dialogues, given)
        complaints = on.complaints()
    languages = Counter(dialogue.language for dialogue in dialogues)
    heads = (
        "dialogues",
        *LANGUAGES,
        "turns",
        "characters",
        "kills",
        "attached again",
        "regenerated",
        "wrong",
    )
    row = (
        len(dialogues),
        *(languages[language] for language in LANGUAGES),
        *(counts["turns"], counts["characters"], given.kills + 1),
        *(counts["attached again"], counts["regenerated"], len(wrong)),
    )
    table(f"Replayed, seed {given.seed}", heads, [row])
    print(*wrong[:10], *complaints[:10], sep="\n")
    return verdict(
        [
            (
                "every conversation stored as it was sent and streamed, every prompt as it had to be",
                not wrong,
            ),
            (f"{len(complaints)} complaints in the server's log", not complaints),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dialogues", type=int, default=210)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--kills", type=int, default=3, help="beside the one at the end")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    try:
        return uvloop.run(measure(parser.parse_args()))
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
