"""What clients saw, compared with what the database holds in the end."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import select

from duihua.db.session import Session, open_database
from duihua.models import Conversation, Generation, GenerationEvent, Message
from duihua.schemas import stream
from tests.faults.listener import Frame, Listener, get, listen, post
from tests.generation.laws import STATE_OF, TERMINAL

STREAM = "/chat/messages/stream"
# A client's own: what says nothing for so long is given up, and asked for elsewhere.
PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.05
_AT_ONCE = 200


class Insistent:
    """A client that asks once and comes back with `Last-Event-ID`, whatever happens, until it has the end.

    `ports` is where it may ask: whoever kills and starts servers changes the list.
    """

    def __init__(self, ports: Sequence[int], chat_id: str, *, question: str = "问", **script: Any) -> None:
        self.chat_id, self._ports = chat_id, ports
        # What the offline model says to that: `duihua.providers.offline`.
        self.wanted = " ".join(map(str, range(1, script["tokens"] + 1)))
        body = {"chat_id": chat_id, "content": question, "config": {"offline": script}}
        self._request = post(STREAM, body, key=chat_id)
        self.frames: list[Frame] = []
        self.task_id: str | None = None
        # Seconds from the loss of a connection until the next one had answered.
        self.gaps: list[float] = []
        # The same without the client's own pauses between two attempts.
        self.waits: list[float] = []
        # When something of the reply came, on whichever connection.
        self.heard: list[float] = []
        self.refusals: Counter[str] = Counter()
        self.ended_at = 0.0
        self._listener: Listener | None = None
        self._lost_at: float | None = None
        self._paused = 0.0

    @property
    def end(self) -> str:
        """How the reply ended; empty while it has not."""
        last = self.frames[-1].event.data if self.frames else {"type": ""}
        return str(last.get("error", last["type"])) if last["type"] in TERMINAL else ""

    def hears(self, seconds: float) -> bool:
        """Whether something came within the last so many seconds."""
        listener = self._listener
        return (
            listener is not None and listener.body != b"" and listener.heard_at > time.monotonic() - seconds
        )

    @property
    def silence(self) -> float:
        """The longest time between two arrivals."""
        return max((later - earlier for earlier, later in pairwise(self.heard)), default=0.0)

    async def follow(self) -> None:
        """Ask, and insist."""
        while not self.end:
            listener = await self._listened()
            self._lost_at = self._lost_at or time.monotonic()
            if listener is not None and listener.status == 200:
                self._take(listener)
            else:
                self._paused += _PAUSE_SECONDS
                await asyncio.sleep(_PAUSE_SECONDS)
        self.ended_at = time.monotonic()

    async def _listened(self) -> Listener | None:
        """What one connection gave until it ended, or was given up."""
        try:
            listener = await listen(random.choice(self._ports), self._request)
        except (OSError, IndexError):
            self.refusals["no connection"] += 1
            return None
        self._listener = listener
        listener.heard_at = time.monotonic()
        while True:
            await asyncio.wait([listener.ended], timeout=0.2)
            self._note_gap(listener)
            if listener.ended.done():
                break
            if time.monotonic() - listener.heard_at > PATIENCE_SECONDS:
                listener.abort()
        if listener.status not in {0, 200}:
            why = listener.answer()["error"] if listener.ended.result() else "cut"
            self.refusals[f"{listener.status} {why}"] += 1
        return listener

    def _note_gap(self, listener: Listener) -> None:
        if self._lost_at is not None and listener.status == 200:
            self.gaps.append(listener.began_at - self._lost_at)
            self.waits.append(self.gaps[-1] - self._paused)
            self._lost_at, self._paused = None, 0.0

    def _take(self, listener: Listener) -> None:
        self.frames += listener.frames()
        self.heard += [moment for moment, _ in listener.marks]
        self.task_id = listener.task_id or self.task_id
        # Cut within the head, it has no name yet: the same request again.
        if self.task_id is not None:
            after = {"Last_Event_ID": str(self.frames[-1].event.id)} if self.frames else {}
            self._request = get(f"{STREAM}/{self.task_id}", **after)


class Held(NamedTuple):
    """One generation as the database holds it."""

    task_id: str
    owner: str
    state: str
    message_state: str
    content: str
    payloads: tuple[str, ...]


async def held(database_url: str) -> dict[str, list[Held]]:
    """Every generation, by its conversation; in portions, for there may be a million events."""
    database = open_database(database_url, pool_size=1)
    found: defaultdict[str, list[Held]] = defaultdict(list)
    try:
        ids = await database.read(_generations)
        for at in range(0, len(ids), _AT_ONCE):
            for chat_id, told in await database.read(_held, ids[at : at + _AT_ONCE]):
                found[chat_id].append(told)
    finally:
        await database.close()
    return found


def _generations(session: Session) -> Sequence[int]:
    return session.scalars(select(Generation.id).order_by(Generation.id)).all()


def _held(session: Session, ids: Sequence[int]) -> list[tuple[str, Held]]:
    journal = defaultdict(list)
    for generation_id, payload in session.execute(
        select(GenerationEvent.generation_id, GenerationEvent.payload)
        .where(GenerationEvent.generation_id.in_(ids))
        .order_by(GenerationEvent.generation_id, GenerationEvent.seq)
    ):
        journal[generation_id].append(payload)
    rows = session.execute(
        select(
            Generation.id,
            Conversation.uuid,
            Generation.uuid,
            Generation.owner,
            Generation.state,
            Message.state,
            Message.content,
        )
        .join(Conversation, Generation.conversation_id == Conversation.id)
        .join(Message, Message.id == Generation.message_id)
        .where(Generation.id.in_(ids))
        .order_by(Generation.id)
    )
    return [(chat_id, Held(*told, tuple(journal[row_id]))) for row_id, chat_id, *told in rows]


def differences(clients: Sequence[Insistent], stored: Mapping[str, Sequence[Held]]) -> list[str]:
    """Every way in which what a client saw is not what is stored, or a promise about either is broken."""
    return [
        f"{client.chat_id}: {problem}"
        for client in clients
        for problem in _problems(client, stored.get(client.chat_id, ()))
    ]


def _problems(client: Insistent, stored: Sequence[Held]) -> list[str]:
    if len(stored) != 1:
        return [f"{len(stored)} generations for one question"]
    (run,) = stored
    ids = [frame.event.id for frame in client.frames]
    seen = [frame.raw for frame in client.frames]
    kept = [stream.frame(seq, payload.encode()) for seq, payload in enumerate(run.payloads, start=1)]
    content, _ = stream.fold(run.payloads)
    last = client.frames[-1].event.data if client.frames else {"type": "nothing"}
    wrong = {
        f"lost or repeated, seen: {ids}": ids != list(range(1, len(ids) + 1)),
        f"of {len(seen)} events seen, {len(set(seen) - set(kept))} are not in the journal": seen
        != kept[: len(seen)],
        f"{len(kept) - len(seen)} events of the journal were not shown": len(seen) < len(kept),
        f"still {run.state}, its message {run.message_state}": "streaming" in {run.state, run.message_state},
        "the stored text is not the journal's": run.content != content,
        f"the last event has another text: {last.get('content')!r:.60}": last.get("content") != content,
        f"as {last['type']}, this is not what the model said: {content!r:.60}": client.wanted != content
        if last["type"] == "complete"
        else not client.wanted.startswith(content),
        f"shown as {last['type']}, stored as {run.message_state}": run.message_state
        not in STATE_OF.get(last["type"], ()),
    }
    return [problem for problem, is_so in wrong.items() if is_so]
