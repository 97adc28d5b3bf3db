"""People who write all the time, and note what was acknowledged to them."""

import asyncio
import math
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from sqlalchemy import select

from duihua.db.session import Session, open_database
from duihua.models import Conversation, Message

# A busy server takes its time; what has no answer by then hangs.
_ANSWER_SECONDS = 30.0
_REPLY = "好的，已经记下。"


class Writer:
    """One of them. Where it is refused it waits as told, at most `patience` seconds, and begins anew."""

    def __init__(self, session: aiohttp.ClientSession, origin: str, size: int, patience: float) -> None:
        self._session, self._origin, self._patience = session, origin, patience
        self._text = "字" * size
        self.until = math.inf
        self.titles: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        # `503 storage_unavailable` and the like; `(no Retry-After)` where it does not say when to come again.
        self.refusals: Counter[str] = Counter()
        self.acknowledged = 0
        self.slowest = 0.0

    async def write(self) -> None:
        """One conversation after the other, until `until`."""
        while time.monotonic() < self.until:
            await self.conversation()

    async def conversation(self) -> bool:
        """Make one, ask in it, edit the question, rename it; whether all of that was acknowledged."""
        made = await self.ask("POST", "/chat/conversations", {"title": "写"})
        if made is None:
            return False
        chat_id = made["uuid"]
        self.titles[chat_id] = "写"
        body = {"chat_id": chat_id, "content": f"{chat_id} {self._text}"}
        said = await self.ask("POST", "/chat/messages", body | {"config": _config()})
        if said is None:
            return False
        self.texts |= {said["message_id"]: body["content"], said["reply"]["uuid"]: _REPLY}
        edited = f"改 {body['content']}"
        if await self.ask("PUT", f"/chat/messages/{said['message_id']}", {"content": edited}) is None:
            return False
        self.texts[said["message_id"]] = edited
        title = f"写好 {self.acknowledged}"
        if await self.ask("PUT", f"/chat/conversations/{chat_id}", {"title": title}) is None:
            return False
        self.titles[chat_id] = title
        return True

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """`data` of an answer; None where it was refused, which is counted."""
        began = time.monotonic()
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
        async with (
            asyncio.timeout(_ANSWER_SECONDS),
            self._session.request(method, self._origin + path, json=body, headers=headers) as response,
        ):
            answer = await response.json()
        self.slowest = max(self.slowest, time.monotonic() - began)
        if response.status == 200:
            self.acknowledged += 1
            return answer["data"]
        wait = response.headers.get("Retry-After", "")
        self.refusals[f"{response.status} {answer['error']}" + ("" if wait else " (no Retry-After)")] += 1
        await asyncio.sleep(min(float(wait or 1), self._patience))
        return None


def _config() -> dict[str, Any]:
    return {"offline": {"text": _REPLY, "rate": 0}}


@asynccontextmanager
async def writers(
    number: int, port: int, *, size: int = 100, patience: float = math.inf
) -> AsyncIterator[list[Writer]]:
    """So many, each with a connection of its own; a question has `size` characters and some."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield [Writer(session, f"http://127.0.0.1:{port}", size, patience) for _ in range(number)]


async def differences(those: list[Writer], database_url: str) -> list[str]:
    """What was acknowledged to them and is not in the database, or is otherwise."""
    database = open_database(database_url)
    try:
        titles, texts = await database.read(_stored)
    finally:
        await database.close()
    return [
        f"{kind} {name}: {kept.get(name)!r:.60} instead of {value!r:.60}"
        for writer in those
        for kind, known, kept in (("title", writer.titles, titles), ("text", writer.texts, texts))
        for name, value in known.items()
        if kept.get(name) != value
    ]


def _stored(session: Session) -> tuple[dict[str, str], dict[str, str]]:
    titles = session.execute(select(Conversation.uuid, Conversation.title))
    texts = session.execute(select(Message.uuid, Message.content))
    return dict(map(tuple, titles)), dict(map(tuple, texts))
