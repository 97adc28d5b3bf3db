"""Whatever people do, what is counted as it happens is what a count of all rows gives."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from duihua.conversations import service as conversations
from duihua.core.errors import AppError
from duihua.core.ids import new_uuid
from duihua.db.session import Database, Session
from duihua.generation import repository as generations
from duihua.generation import starting
from duihua.generation.ending import Ending, LostGeneration
from duihua.groups import service as groups
from duihua.messages import forking
from duihua.messages import service as messages
from duihua.models import ChatGroup, Conversation, Message, Tally
from duihua.models.user import LOCAL_USER_ID
from duihua.schemas.conversation import ConversationCreate, ConversationUpdate
from duihua.schemas.group import ChatGroupCreate
from duihua.schemas.message import MessageCreate, MessageRegenerate
from duihua.schemas.statistics import StatisticsQuery
from duihua.statistics import service
from duihua.transfer import storing
from duihua.transfer.archive import Archive, ArchivedConversation, ArchivedMessage
from duihua.transfer.storing import Choice
from duihua.trash import service as trash
from duihua.vocabulary import MessageState, Role
from tests.fixtures.callers import offline_caller
from tests.fixtures.rows import add_stranger

CALLER = offline_caller("this test")
STEPS = 150
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
ME = LOCAL_USER_ID
TEXTS = ["问", "another text", "长" * 300]


class Archivist:
    """One who does anything to whatever there is, by chance."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self._database, self._chance = database, chance
        self._running: list[starting.Run] = []

    async def act(self) -> None:
        """One act; what was refused changed nothing."""
        rows = await self._database.read(_everything)
        act = self._chance.choice(_acts(rows, self._chance, self._running))
        try:
            done = await self._database.write(*act)
        except (AppError, LostGeneration):
            return
        if isinstance(done, starting.Begun) and done.run is not None:
            self._running.append(done.run)


class _Rows:
    def __init__(self, session: Session) -> None:
        self.chats = [row.uuid for row in session.scalars(select(Conversation).order_by(Conversation.id))]
        self.messages = [
            (message.uuid, chat)
            for message, chat in session.execute(
                select(Message, Conversation.uuid).join(
                    Conversation, Message.conversation_id == Conversation.id
                )
            )
        ]
        self.groups = list(session.scalars(select(ChatGroup.id).where(ChatGroup.user_id == ME)))


def _everything(session: Session) -> _Rows:
    return _Rows(session)


def _acts(rows: _Rows, chance: random.Random, running: list[starting.Run]) -> list[tuple[Any, ...]]:
    """Every act that has something to be done to, as a unit of work and its arguments."""
    group, text = chance.choice(rows.groups), chance.choice(TEXTS)
    acts: list[tuple[Any, ...]] = [
        (conversations.create, ME, ConversationCreate(group_id=group)),
        (groups.create, ME, ChatGroupCreate(name="g")),
        (storing.store_all, ME, [_archive(chance)], Choice(chance.choice([None, group]))),
        (_delete_group, group, chance.random() < 0.5),
    ]
    if running:
        run, state = chance.choice(running), chance.choice([MessageState.COMPLETE, MessageState.FAILED])
        ending = Ending(run.generation_id, CALLER.owner, state, text, reasoning="", rows=[(3, b"{}")])
        acts.append((generations.finish, ending))
    if rows.chats:
        chat, some = chance.choice(rows.chats), chance.choices(rows.chats, k=3)
        acts += 4 * [(starting.send, CALLER, MessageCreate(chat_id=chat, content=text))]
        acts += [
            (conversations.change, ME, chat, ConversationUpdate(group_id=group, status="archived")),
            (conversations.move, ME, chat, group),
            (conversations.move_many, ME, some, group),
            (conversations.shelve_many, ME, some, chance.choice(["active", "archived"])),
            (conversations.clear, ME, chat),
            (conversations.delete, ME, chat),
            (conversations.delete_many, ME, some),
            (trash.restore, ME, rows.chats),
            (trash.purge, ME, some),
        ]
    if rows.messages:
        message, chat = chance.choice(rows.messages)
        acts += [
            (messages.edit, ME, message, text, "zh"),
            (messages.delete, ME, message),
            (messages.restore, ME, message, "zh"),
            (forking.fork, ME, message, "zh"),
            (starting.branch, CALLER, message, text),
            (starting.regenerate, CALLER, MessageRegenerate(chat_id=chat, message_id=message)),
        ]
    return acts


def _delete_group(session: Session, group_id: int, with_conversations: bool) -> None:
    groups.delete(session, ME, group_id, with_conversations=with_conversations)


def _archive(chance: random.Random) -> Archive:
    # Before 1970, at borders of months and quarter-hours, and in another year of the zones.
    moment = chance.choice(["1969-12-31T23:59:59.999999", "2025-03-01T00:00:00", "2026-01-31T16:14:59.9"])
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    said = [
        ArchivedMessage(
            uuid=new_uuid(),
            role=role,
            content="旧",
            created_at=at + timedelta(minutes=number),
            updated_at=at,
            model_id="older" if chance.random() < 0.5 else None,
            token_count=number,
            character_count=1,
        )
        for number, role in enumerate([Role.USER, Role.ASSISTANT, Role.SYSTEM])
    ]
    head = ArchivedConversation(uuid=new_uuid(), title="旧", created_at=at, updated_at=at, group="旧组")
    return Archive(head, said)


def _counted(session: Session) -> dict[tuple[Any, ...], list[int]]:
    rows = session.scalars(select(Tally))
    return {
        (row.user_id, row.span, row.start, row.group_id, row.kind, row.model_id): [
            row.number,
            row.tokens,
            row.characters,
        ]
        for row in rows
    }


def _recounted(session: Session) -> dict[tuple[Any, ...], list[int]]:
    """The same by another way: row by row, without SQL."""
    found: dict[tuple[Any, ...], list[int]] = {}

    def add(row: Any, group_id: int, kind: str, model: str, counts: tuple[int, int, int]) -> None:
        at = row.created_at
        spans = {"quarter": (at - BEGINNING) // timedelta(minutes=15), "month": 12 * at.year + at.month - 13}
        for span, start in spans.items():
            counted = found.setdefault((row.user_id, span, start, group_id, kind, model), [0, 0, 0])
            counted[:] = [one + other for one, other in zip(counted, counts, strict=True)]

    for chat in session.scalars(select(Conversation).where(Conversation.status != "deleted")):
        add(chat, chat.group_id, "conversation", "", (1, 0, 0))
        for row in session.scalars(select(Message).filter_by(conversation_id=chat.id, status="active")):
            model = (row.model_id or "") if row.role == "assistant" else ""
            add(row, chat.group_id, row.role, model, (1, row.token_count, row.character_count))
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_people_do_the_tallies_are_what_a_recount_gives(database: Database, seed: int) -> None:
    await database.write(_with_a_stranger)
    archivist = Archivist(database, random.Random(seed))
    for step in range(STEPS):
        await archivist.act()
        if step % 10 == 0:
            assert await database.read(_counted) == await database.read(_recounted), f"after act {step}"
    kept = await database.read(_counted)
    assert kept == await database.read(_recounted)
    assert {key[4] for key in kept} >= {"conversation", "user", "assistant", "system"}
    await database.write(service.rebuild)
    assert await database.read(_counted) == kept


def _with_a_stranger(session: Session) -> None:
    add_stranger(session)
    service.rebuild(session)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/Los_Angeles"])
async def test_months_of_any_zone_are_what_lies_in_them(database: Database, zone: str) -> None:
    moments = [
        datetime(2025, 2, 28, 18, 14, 59, tzinfo=UTC),
        datetime(2025, 2, 28, 18, 15, tzinfo=UTC),
        datetime(2025, 3, 1, tzinfo=UTC),
        datetime(2025, 3, 1, 7, 59, 59, 999999, tzinfo=UTC),
        datetime(2025, 3, 1, 8, tzinfo=UTC),
        datetime(2024, 12, 31, 23, 45, tzinfo=UTC),
    ]
    for moment in moments:
        await database.write(storing.store_all, ME, [_said_at(moment)], Choice())
    query = StatisticsQuery(time_range="all", tz=zone)
    found = await database.read(service.statistics, ME, query)
    months = Counter(moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m") for moment in moments)
    assert {point["date"]: point["messages"] for point in found["trend"] if point["messages"]} == months
    assert found["overview"]["conversation_count"] == len(moments)
    assert found["models"] == [{"model_id": "m", "messages": len(moments), "tokens": 2 * len(moments)}]


def _said_at(moment: datetime) -> Archive:
    said = ArchivedMessage(
        uuid=new_uuid(),
        role=Role.ASSISTANT,
        content="说",
        created_at=moment,
        updated_at=moment,
        model_id="m",
        token_count=2,
    )
    head = ArchivedConversation(uuid=new_uuid(), title="t", created_at=moment, updated_at=moment)
    return Archive(head, [said])
