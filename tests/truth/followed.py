"""A client that never looks at its archive again: it fetches what an event names, and nothing else."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from jsonschema import Draft202012Validator

from tests.faults.listener import Listener, get, listen
from tests.fixtures.client import Client, Event
from tests.generation.laws import TERMINAL
from tests.truth.state import Row, State, fetched, messages_of

EVENTS = "/chat/events"
_HEARD_SECONDS = 20.0
_GONE = {"deleted", "purged"}


def _kind(kind: str, acts: Sequence[str], **fields: Any) -> dict[str, Any]:
    properties = {"type": {"const": kind}, "act": {"enum": list(acts)}, **fields}
    return {"properties": properties, "required": list(properties), "additionalProperties": False}


_TEXT = {"type": "string", "minLength": 1}
_STREAMING = {
    "if": {"properties": {"state": {"const": "streaming"}}},
    "then": {"properties": {"task_id": _TEXT, "role": {"const": "assistant"}}},
    "else": {"properties": {"task_id": {"type": "null"}}},
}
# docs/events.md, without the two that only open a stream.
DOCUMENTED = Draft202012Validator(
    {
        "oneOf": [
            _kind("conversation", ["created", "changed", "deleted", "restored", "purged"], chat_id=_TEXT),
            _kind("group", ["created", "changed", "deleted"], group_id={"type": "integer"}),
            _kind(
                "message",
                ["created", "changed", "deleted", "restored"],
                chat_id=_TEXT,
                message_id=_TEXT,
                role={"enum": ["user", "assistant"]},
                state={"enum": ["complete", "streaming", "cancelled", "interrupted", "failed"]},
                task_id={"type": ["string", "null"]},
            )
            | _STREAMING,
        ]
    }
)


class Followed:
    """The archive as events have it: begun with one fetch, brought up to date by what they name."""

    def __init__(self, client: Client, state: State, last: int) -> None:
        self._client, self.last = client, last
        self._conversations, self._messages = state.conversations, state.messages
        self._groups, self._trash = state.groups, state.trash
        self._line: Listener | None = None
        # What was told last of each message, and the runs that were told of.
        self._told: dict[str, Row] = {}
        self.tasks: list[tuple[str, str]] = []
        self.heard = 0

    @classmethod
    async def begin(cls, client: Client) -> "Followed":
        """Fetch once, from a place in the record that is not later than what is fetched."""
        last = await newest(client)
        return cls(client, await fetched(client), last)

    def state(self) -> State:
        """What it shows: the order of the list and the counts of groups are of its own making."""
        shown = sorted(
            self._conversations.values(),
            key=lambda row: (row["pinned"], row["updated_at"], row["id"]),
            reverse=True,
        )
        active = [row["group_id"] for row in shown if row["status"] == "active"]
        groups = [row | {"conversation_count": active.count(row["id"])} for row in self._groups]
        return State(self._conversations, self._messages, [row["uuid"] for row in shown], groups, self._trash)

    async def listen(self) -> None:
        """Hear what is told while it happens."""
        if self._line is None or self._line.ended.done():
            self._line = await listen(_port(self._client), get(EVENTS, Last_Event_ID=str(self.last)))

    def hang_up(self) -> None:
        """Be away; what is told meanwhile is asked for afterwards."""
        if self._line is not None:
            self._line.abort()
            self._line = None

    async def catch_up(self, until: int) -> None:
        """Hear of everything up to this number, and fetch what it names."""
        await self.listen()
        assert self._line is not None
        async with asyncio.timeout(_HEARD_SECONDS):
            while (await _last(self._line)) < until:
                await asyncio.wait({self._line._waiting, self._line.ended}, return_when="FIRST_COMPLETED")
                assert not self._line.ended.done(), self._line.body
        events = [frame.event for frame in self._line.frames()]
        self.hang_up()
        await self._apply(self._new(events))

    def _new(self, events: Sequence[Event]) -> list[Row]:
        """What was told, each event by its number and as documented."""
        start, *told = events
        assert start == Event(self.last, {"type": "start"}), start
        assert [event.id for event in told] == list(range(self.last + 1, self.last + 1 + len(told)))
        for event in told:
            DOCUMENTED.validate(event.data)
        self.last += len(told)
        self.heard += len(told)
        return [event.data for event in told]

    async def _apply(self, changes: Sequence[Row]) -> None:
        chats: defaultdict[str, list[Row]] = defaultdict(list)
        for change in changes:
            if change["type"] != "group":
                chats[change["chat_id"]].append(change)
            if change["type"] == "message":
                self._told[change["message_id"]] = change
                if change["act"] == "created" and change["task_id"] is not None:
                    self.tasks.append((change["task_id"], change["message_id"]))
        await asyncio.gather(*(self._apply_to(chat_id, told) for chat_id, told in chats.items()))
        if len(chats) < len(changes) or any(change["type"] == "group" for change in changes):
            self._groups = (await self._client.get("/chat/groups?includeChats=false")).data

    async def _apply_to(self, chat_id: str, told: Sequence[Row]) -> None:
        acts = [change["act"] for change in told if change["type"] == "conversation"]
        for act in acts:
            if act == "deleted":
                self._trash.add(chat_id)
            elif act != "changed":
                self._trash.discard(chat_id)
        if acts and acts[-1] in _GONE:
            self._forget(chat_id)
            return
        answer = await self._client.get(f"/chat/conversations/{chat_id}")
        if answer.status == 404:
            self._forget(chat_id)  # Deleted by now; that is told next.
            return
        self._conversations[chat_id] = answer.data
        of_messages = [change for change in told if change["type"] == "message"]
        if acts or any(change["act"] != "changed" for change in of_messages):
            self._messages[chat_id] = await messages_of(self._client, chat_id)
        else:
            for message_id in {change["message_id"] for change in of_messages}:
                await self._refresh(chat_id, message_id)

    async def _refresh(self, chat_id: str, message_id: str) -> None:
        """This one message, where it is shown."""
        shown = self._messages[chat_id]
        index = next((at for at, row in enumerate(shown) if row["uuid"] == message_id), None)
        if index is not None:
            around = f"/chat/conversations/{chat_id}/messages?pageSize=4&around={message_id}"
            answer = await self._client.get(around)
            rows = answer.data["list"] if answer.status == 200 else []
            shown[index] = next((row for row in rows if row["uuid"] == message_id), shown[index])

    def _forget(self, chat_id: str) -> None:
        self._conversations.pop(chat_id, None)
        self._messages.pop(chat_id, None)

    def told_otherwise(self, fresh: State) -> list[str]:
        """Messages that are not in the state that the last event about them said."""
        return [
            f"message {row['uuid']}: told as {told['state']}, is {row['state']}"
            for rows in fresh.messages.values()
            for row in rows
            if (told := self._told.get(row["uuid"])) is not None
            and (told["state"], told["task_id"]) != (row["state"], row["task_id"])
        ]

    async def running_otherwise(self, fresh: State) -> list[str]:
        """Replies under way that the fetch has otherwise than their stream up to the same event."""
        running = [row for rows in fresh.messages.values() for row in rows if row["state"] == "streaming"]
        return [problem for row in running for problem in await self._running_otherwise(row)]

    async def _running_otherwise(self, row: Row) -> list[str]:
        line = await listen(_port(self._client), get(f"/chat/messages/stream/{row['task_id']}"))
        async with asyncio.timeout(_HEARD_SECONDS):
            while (await _last(line)) < row["last_event_id"]:
                await asyncio.wait({line._waiting, line.ended}, return_when="FIRST_COMPLETED")
        line.abort()
        events = [frame.event for frame in line.frames() if frame.event.id <= row["last_event_id"]]
        said = {
            kind: "".join(event.data["content"] for event in events if event.data["type"] == kind)
            for kind in ("chunk", "reasoning")
        }
        is_same = (said["chunk"], said["reasoning"]) == (row["content"], row["reasoning"] or "")
        is_running = all(event.data["type"] not in TERMINAL for event in events)
        return (
            [] if is_same and is_running else [f"message {row['uuid']}: {row['content']!r}, streamed: {said}"]
        )


async def newest(client: Client) -> int:
    """The number of the newest change."""
    line = await listen(_port(client), get(EVENTS))
    async with asyncio.timeout(_HEARD_SECONDS):
        while (number := await _last(line)) < 0:
            await asyncio.wait({line._waiting, line.ended}, return_when="FIRST_COMPLETED")
    line.abort()
    return number


async def _last(line: Listener) -> int:
    frames = line.frames()
    return frames[-1].event.id if frames else -1


def _port(client: Client) -> int:
    return int(client.origin.rpartition(":")[2])
