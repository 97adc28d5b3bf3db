"""Whatever a person can do to their archive, chosen at random of what they last saw of it."""

import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from tests.faults.listener import listen, post
from tests.fixtures.client import Client, Reply
from tests.truth.state import State

# What is asked of what another one has deleted, moved or is still waiting for may be refused so.
ALLOWED = {200, 400, 404, 409}
MOST_CONVERSATIONS, MOST_GROUPS, MOST_MESSAGES, MOST_RUNNING = 12, 5, 40, 6
_TEXTS = ["问", "another one", "长" * 300, "👩‍👩‍👧 多\u2028行\n\n", "x"]
_ENDING: list[dict[str, Any]] = [
    {"tokens": 3, "rate": 0},
    {"text": "好。", "rate": 0},
    {"tokens": 8, "fail_after": 3, "rate": 0},
    {"reasoning": "想一想", "tokens": 4, "rate": 0},
]
_LASTING: list[dict[str, Any]] = [
    {"tokens": 12, "rate": 60},
    {"tokens": 9, "hang_after": 4, "rate": 0},
    {"reasoning": "一二三四", "tokens": 40, "rate": 100},
]
_REMEMBERED = 60


class Person:
    """One client. `seen` is what it last fetched; by now others may have changed it."""

    def __init__(self, client: Client, chance: random.Random, seen: State) -> None:
        self._client, self._chance, self.seen = client, chance, seen
        # Messages that were deleted, or are not shown: they can be named all the same.
        self._hidden: deque[str] = deque(maxlen=_REMEMBERED)
        self.did: list[str] = []
        self.counts: Counter[str] = Counter()

    async def act(self) -> None:
        """Do one thing."""
        acts, weights = zip(*WEIGHTS.items(), strict=True)
        (act,) = self._chance.choices(acts, weights)
        answer = await act(self)
        if answer is not None:
            assert answer.status in ALLOWED, (self.did[-1], answer.body)
            self.counts[f"{act.__name__} {'' if answer.status == 200 else answer.error}".strip()] += 1

    async def _do(self, method: str, path: str, body: Any = None) -> Reply:
        self.did.append(f"{method} {path} {body or ''}")
        answer = await self._client.request(method, path, body)
        self.did[-1] += f" → {answer.status}"
        return answer

    def _chat(self) -> str:
        known = list(self.seen.conversations) or ["00000000-0000-4000-8000-000000000000"]
        return self._chance.choice(known)

    def _chats(self) -> list[str]:
        return [self._chat() for _ in range(self._chance.randint(1, 3))]

    def _group(self) -> int:
        return int(self._chance.choice(self.seen.groups)["id"])

    def _message(self) -> tuple[str, str]:
        """A conversation and one of its messages; sometimes one that is not shown."""
        chat_id = self._chat()
        rows = self.seen.messages.get(chat_id, [])
        named = [uuid for row in rows for uuid in row["version"]["uuids"]]
        if self._hidden and self._chance.random() < 0.1:
            return chat_id, self._chance.choice(self._hidden)
        return chat_id, self._chance.choice(named or ["00000000-0000-4000-8000-000000000000"])

    def _text(self) -> str:
        return self._chance.choice(_TEXTS)

    def _asked(self, scripts: list[dict[str, Any]]) -> dict[str, Any]:
        return {"config": self._script(scripts)}

    def _script(self, scripts: list[dict[str, Any]]) -> dict[str, Any]:
        return {"offline": self._chance.choice(scripts)}

    async def create(self) -> Reply | None:
        """A conversation, unless there are many: then one goes."""
        if len(self.seen.conversations) >= MOST_CONVERSATIONS:
            return await self.delete()
        body = {"group_id": self._group(), "config": self._script(_ENDING)}
        title = self._chance.choice([{}, {"title": "有标题"}])
        return await self._do("POST", "/chat/conversations", title | body)

    async def change(self) -> Reply:
        """Its title, pin, place in the archive, description."""
        fields = [
            {"title": self._text()[:20].strip()},
            {"title": None},
            {"pinned": self._chance.random() < 0.5},
            {"status": self._chance.choice(["active", "archived"])},
            {"description": self._text(), "pinned": True},
            {"config": {"temperature": 0.5} | self._script(_ENDING)},
            {"group_id": self._group()},
        ]
        return await self._do("PUT", f"/chat/conversations/{self._chat()}", self._chance.choice(fields))

    async def move(self) -> Reply:
        """One, to a group."""
        return await self._do("PUT", f"/chat/conversations/{self._chat()}/move", {"group_id": self._group()})

    async def move_many(self) -> Reply:
        """Some, to a group."""
        body = {"chat_ids": self._chats(), "target_group_id": self._group()}
        return await self._do("PUT", "/chat/conversations/batch/move", body)

    async def shelve_many(self) -> Reply:
        """Some, on the shelf or back from it."""
        body = {"chat_ids": self._chats(), "status": self._chance.choice(["active", "archived"])}
        return await self._do("PUT", "/chat/conversations/batch/status", body)

    async def delete(self) -> Reply:
        """One."""
        return await self._do("DELETE", f"/chat/conversations/{self._chat()}")

    async def delete_many(self) -> Reply:
        """Some."""
        return await self._do("DELETE", "/chat/conversations/batch", {"ids": self._chats()})

    async def clear(self) -> Reply:
        """All messages of one."""
        return await self._do("DELETE", f"/chat/conversations/{self._chat()}/messages")

    async def restore_from_trash(self) -> Reply:
        """Some of it."""
        return await self._do("POST", "/chat/trash/restore", {"ids": self._trashed()})

    async def purge(self) -> Reply:
        """Some of the trash, or all that is in it."""
        body = {"all": True} if len(self.seen.trash) > 30 else {"ids": self._trashed()}
        return await self._do("DELETE", "/chat/trash", body)

    def _trashed(self) -> list[str]:
        trash = sorted(self.seen.trash) or [self._chat()]
        return [self._chance.choice(trash) for _ in range(self._chance.randint(1, 2))]

    async def create_group(self) -> Reply:
        """A group, unless there are many: then one goes."""
        if len(self.seen.groups) >= MOST_GROUPS:
            return await self.delete_group()
        body = {"name": self._text()[:9].strip(), "color": "#409EFF", "sort": self._chance.randint(-2, 2)}
        return await self._do("POST", "/chat/groups", body)

    async def change_group(self) -> Reply:
        """Its name, colour or place."""
        fields: list[dict[str, Any]] = [
            {"name": "组"},
            {"color": "#abc"},
            {"sort": -1},
            {"description": None},
        ]
        return await self._do("PUT", f"/chat/groups/{self._group()}", self._chance.choice(fields))

    async def delete_group(self) -> Reply:
        """With its conversations, or without."""
        takes = self._chance.choice(["true", "false"])
        return await self._do("DELETE", f"/chat/groups/{self._group()}?deleteChats={takes}")

    async def send(self) -> Reply:
        """And wait for the reply."""
        chat_id = self._chat()
        if len(self.seen.messages.get(chat_id, ())) > MOST_MESSAGES:
            return await self.clear()
        body = {"chat_id": chat_id, "content": self._text()} | self._asked(_ENDING)
        return await self._do("POST", "/chat/messages", body)

    async def send_below(self) -> Reply:
        """Below any message: another branch."""
        chat_id, parent = self._message()
        body = {"chat_id": chat_id, "content": self._text(), "parent_id": parent} | self._asked(_ENDING)
        return await self._do("POST", "/chat/messages", body)

    async def stream(self) -> Reply | None:
        """Ask for a stream; leave at its first event, or when it ends. Too many at once are stopped."""
        running = sum(row["state"] == "streaming" for rows in self.seen.messages.values() for row in rows)
        if running >= MOST_RUNNING:
            return await self._do("POST", "/chat/terminate")
        body = {"chat_id": self._chat(), "content": self._text()}
        body |= self._asked(self._chance.choice([_ENDING, _LASTING]))
        return await self._streamed("/chat/messages/stream", body)

    async def _streamed(self, path: str, body: Any) -> None:
        self.did.append(f"POST {path} {body} as a stream")
        port = int(self._client.origin.rpartition(":")[2])
        line = await listen(port, post(path, body, key=f"{self._chance.getrandbits(128):x}"))
        while not line.ended.done() and not line.body:
            await line._waiting
        assert line.status in ALLOWED, line.body
        self.counts[f"stream {line.status}"] += 1
        if "hang_after" not in str(body) and self._chance.random() < 0.3:
            await line.ended
        line.abort()

    async def regenerate(self) -> Reply:
        """Another answer."""
        chat_id, message_id = self._message()
        body = {"chat_id": chat_id, "message_id": message_id} | self._asked(_ENDING)
        return await self._do("POST", "/chat/messages/regenerate", body)

    async def regenerate_as_stream(self) -> None:
        """Another answer, and leave."""
        chat_id, message_id = self._message()
        body = {"chat_id": chat_id, "message_id": message_id, "stream": True} | self._asked(_LASTING)
        await self._streamed("/chat/messages/regenerate", body)

    async def edit(self) -> Reply:
        """A message in place."""
        return await self._do("PUT", f"/chat/messages/{self._message()[1]}", {"content": self._text()})

    async def branch(self) -> Reply:
        """A question anew."""
        body = {"content": self._text(), "branch": True}
        return await self._do("PUT", f"/chat/messages/{self._message()[1]}", body)

    async def delete_message(self) -> Reply:
        """One."""
        message_id = self._message()[1]
        self._hidden.append(message_id)
        return await self._do("DELETE", f"/chat/messages/{message_id}")

    async def restore_message(self) -> Reply:
        """One that was deleted, here or elsewhere."""
        message_id = self._chance.choice(self._hidden or [self._message()[1]])
        return await self._do("PUT", f"/chat/messages/{message_id}/restore")

    async def activate(self) -> Reply:
        """Another version."""
        return await self._do("PUT", f"/chat/messages/{self._message()[1]}/activate")

    async def fork(self) -> Reply | None:
        """A conversation that begins as another did."""
        if len(self.seen.conversations) >= MOST_CONVERSATIONS:
            return await self.delete_many()
        return await self._do("POST", f"/chat/messages/{self._message()[1]}/fork")

    async def stop(self) -> Reply | None:
        """A reply that was seen running."""
        running = [
            row["task_id"]
            for rows in self.seen.messages.values()
            for row in rows
            if row["state"] == "streaming"
        ]
        if not running:
            return None
        return await self._do("POST", f"/chat/messages/stream/cancel?task_id={self._chance.choice(running)}")

    async def stop_all(self) -> Reply:
        """Every reply."""
        return await self._do("POST", "/chat/terminate")


WEIGHTS: dict[Callable[[Person], Any], int] = {
    Person.create: 8,
    Person.change: 12,
    Person.move: 4,
    Person.move_many: 3,
    Person.shelve_many: 3,
    Person.delete: 2,
    Person.delete_many: 1,
    Person.clear: 1,
    Person.restore_from_trash: 3,
    Person.purge: 2,
    Person.create_group: 3,
    Person.change_group: 3,
    Person.delete_group: 2,
    Person.send: 10,
    Person.send_below: 4,
    Person.stream: 8,
    Person.regenerate: 5,
    Person.regenerate_as_stream: 2,
    Person.edit: 8,
    Person.branch: 3,
    Person.delete_message: 6,
    Person.restore_message: 5,
    Person.activate: 5,
    Person.fork: 2,
    Person.stop: 4,
    Person.stop_all: 1,
}
