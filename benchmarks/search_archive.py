"""An archive to search: the real dialogues over and over, each time with other ids, owned by three users."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import insert, select

from benchmarks import dialogues
from benchmarks.databases import execute
from duihua.core.ids import new_uuid
from duihua.db import migrate
from duihua.db.session import Database, Session, open_database
from duihua.models import ChatGroup, Conversation, Message, User
from duihua.search_index import repository

_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_TOGETHER = 50


class Owner(NamedTuple):
    """A user, and the part of the archive that is theirs."""

    user_id: int
    share: float


# The first has all that is not the others'.
OWNERS = (Owner(1, 1.0), Owner(2, 0.1), Owner(3, 0.001))


class Built(NamedTuple):
    """What was stored, and what indexing it took in seconds."""

    messages: int
    text_bytes: int
    seconds: float


async def build(url: str, messages: int, said: Sequence[Sequence[str]]) -> Built:
    """Store and index so many messages in a new database, 50 conversations to a transaction."""
    await asyncio.to_thread(migrate.upgrade, url)
    database = open_database(url, synchronous="normal")
    try:
        groups = await database.write(_users)
        stored = text_bytes = 0
        seconds = 0.0
        for some in _conversations(said, messages):
            written = await database.write(_store, some, groups, stored)
            began = time.perf_counter()
            await database.write(_index, written)
            seconds += time.perf_counter() - began
            stored += sum(map(len, some))
            text_bytes += sum(len(text.encode()) for texts in some for text in texts)
        if database.dialect == "postgresql":
            # The ids were given by hand, and the next are the sequence's.
            await database.write(_scalar, "SELECT setval('messages_id_seq', max(id)) FROM messages")
            # What the server does by itself within minutes, which would be those of the measuring.
            await execute(url, "VACUUM ANALYZE", "CHECKPOINT")
        return Built(stored, text_bytes, seconds)
    finally:
        await database.close()


def read(folder: Path = dialogues.FOLDER) -> list[list[str]]:
    """The texts of every dialogue, mixed. Raises DataMissing."""
    said = [list(texts) for language in dialogues.LANGUAGES for texts in dialogues.texts(language, folder)]
    random.Random(1).shuffle(said)
    return said


def _conversations(said: Sequence[Sequence[str]], messages: int) -> Iterator[list[Sequence[str]]]:
    at = stored = 0
    while stored < messages:
        some = [said[place % len(said)] for place in range(at, at + _TOGETHER)]
        at += _TOGETHER
        stored += sum(map(len, some))
        yield some


def _users(session: Session) -> dict[int, int]:
    for owner in OWNERS[1:]:
        session.add(User(id=owner.user_id, uuid=new_uuid(), name=f"user {owner.user_id}", created_at=_BEGIN))
        session.flush()
        moments = {"created_at": _BEGIN, "updated_at": _BEGIN}
        session.add(ChatGroup(user_id=owner.user_id, name="默认分组", is_default=True, **moments))
    session.flush()
    return dict(session.execute(select(ChatGroup.user_id, ChatGroup.id)).all())


def _owner(number: int) -> int:
    """Whose this conversation is: every thousandth the third user's, a tenth the second's."""
    if number % 1000 == 7:
        return 3
    return 2 if number % 10 == 3 else 1


def _store(
    session: Session, some: Sequence[Sequence[str]], groups: dict[int, int], stored: int
) -> tuple[list[int], list[int]]:
    chats, rows = [], []
    first = (session.scalar(select(Conversation.id).order_by(Conversation.id.desc()).limit(1)) or 0) + 1
    for chat_id, texts in enumerate(some, start=first):
        user = _owner(chat_id)
        moment = _BEGIN + timedelta(minutes=stored + len(rows))
        chats.append(
            {
                "id": chat_id,
                "uuid": new_uuid(),
                "user_id": user,
                "group_id": groups[user],
                "title": texts[0][:30],
                "message_count": len(texts),
                "created_at": moment,
                "updated_at": moment,
            }
        )
        rows += _messages(chat_id, user, texts, stored + len(rows))
    session.connection().execute(insert(Conversation.__table__), chats)
    session.connection().execute(insert(Message.__table__), rows)
    return [chat["id"] for chat in chats], [row["id"] for row in rows]


def _messages(chat_id: int, user: int, texts: Sequence[str], before: int) -> list[dict[str, Any]]:
    return [
        {
            "id": before + at + 1,
            "uuid": new_uuid(),
            "user_id": user,
            "conversation_id": chat_id,
            "parent_id": before + at if at else None,
            "depth": at,
            "role": ("user", "assistant")[at % 2],
            "content": text,
            "character_count": len(text),
            "created_at": (moment := _BEGIN + timedelta(minutes=before + at)),
            "updated_at": moment,
        }
        for at, text in enumerate(texts)
    ]


def _index(session: Session, written: tuple[list[int], list[int]]) -> None:
    repository.refresh_conversations(session, written[0])
    repository.refresh_messages(session, written[1])


async def index_bytes(database: Database, is_sqlite: bool) -> int:
    """What the documents of messages and their terms take."""
    return await database.read(_scalar, _BYTES["sqlite" if is_sqlite else "postgresql"])


_BYTES = {
    "sqlite": "SELECT sum(pgsize) FROM dbstat "
    "WHERE name IN ('message_documents', 'message_terms_data', 'message_terms_idx')",
    "postgresql": "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('message_documents')",
}


def _scalar(session: Session, statement: str) -> int:
    return int(session.connection().exec_driver_sql(statement).scalar_one())
