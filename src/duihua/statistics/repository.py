"""What is counted, in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Subquery, and_, case, func, literal, select, union_all

from duihua.db.session import Session
from duihua.db.types import UtcDateTime
from duihua.models import ChatGroup, Conversation, Message
from duihua.statistics.periods import Period
from duihua.vocabulary import ConversationStatus, Role, RowStatus


class Counted(NamedTuple):
    """Whose, and of which group; None for all."""

    user_id: int
    group_id: int | None


class Sums(NamedTuple):
    """What was written in one period."""

    messages: int = 0
    of_users: int = 0
    of_assistants: int = 0
    tokens: int = 0
    characters: int = 0


def first_moment(session: Session, counted: Counted) -> datetime | None:
    """When the oldest conversation or message that counts was made; None where there is none."""
    moments = (
        session.scalar(select(func.min(Conversation.created_at)).where(*_conversations(counted))),
        session.scalar(_messages(select(func.min(Message.created_at)), counted)),
    )
    return min((moment for moment in moments if moment is not None), default=None)


def sums(session: Session, counted: Counted, periods: Sequence[Period]) -> dict[int, Sums]:
    """What was written in each period, by its place; those without a message are left out."""
    table = _table(periods)

    def spoken(role: Role) -> ColumnElement[int]:
        return func.sum(case((Message.role == role, 1), else_=0))

    statement = select(
        table.c.place,
        func.count(),
        spoken(Role.USER),
        spoken(Role.ASSISTANT),
        func.sum(Message.token_count),
        func.sum(Message.character_count),
    ).select_from(Message)
    statement = _messages(statement, counted).join(table, _within(Message.created_at, table))
    return {place: Sums(*map(int, row)) for place, *row in session.execute(statement.group_by(table.c.place))}


def begun(session: Session, counted: Counted, periods: Sequence[Period]) -> dict[int, int]:
    """How many conversations were begun in each period, by its place."""
    table = _table(periods)
    statement = (
        select(table.c.place, func.count())
        .select_from(Conversation)
        .join(table, _within(Conversation.created_at, table))
        .where(*_conversations(counted))
        .group_by(table.c.place)
    )
    return dict(session.execute(statement).all())


def by_model(session: Session, counted: Counted, whole: Period) -> list[dict[str, Any]]:
    """What each model wrote, the busiest first."""
    messages = func.count()
    statement = (
        _messages(select(Message.model_id, messages, func.sum(Message.token_count)), counted)
        .where(Message.role == Role.ASSISTANT, Message.model_id.is_not(None), *_in(Message.created_at, whole))
        .group_by(Message.model_id)
        .order_by(messages.desc(), Message.model_id)
    )
    return [
        {"model_id": model, "messages": n, "tokens": int(tokens)}
        for model, n, tokens in session.execute(statement)
    ]


def by_group(session: Session, counted: Counted, whole: Period) -> list[dict[str, Any]]:
    """What was said in each group, the busiest first."""
    begun_in: dict[int, int] = dict(
        session.execute(
            select(Conversation.group_id, func.count())
            .where(*_conversations(counted), *_in(Conversation.created_at, whole))
            .group_by(Conversation.group_id)
        ).all()
    )
    written_in = {
        group_id: (n, int(tokens))
        for group_id, n, tokens in session.execute(
            _messages(select(Conversation.group_id, func.count(), func.sum(Message.token_count)), counted)
            .where(*_in(Message.created_at, whole))
            .group_by(Conversation.group_id)
        )
    }
    found = begun_in.keys() | written_in.keys()
    names = session.execute(select(ChatGroup.id, ChatGroup.name).where(ChatGroup.id.in_(found)))
    groups = []
    for group_id, name in names:
        messages, tokens = written_in.get(group_id, (0, 0))
        counts = {"conversations": begun_in.get(group_id, 0), "messages": messages, "tokens": tokens}
        groups.append({"group_id": group_id, "name": name} | counts)
    return sorted(groups, key=lambda group: (-group["messages"], -group["conversations"], group["group_id"]))


def _table(periods: Sequence[Period]) -> Subquery:
    """The periods as rows, so that each is one range of an index."""
    moment = UtcDateTime()
    rows = (
        select(
            literal(place).label("place"),
            literal(period.begin, moment).label("begin"),
            literal(period.end, moment).label("end"),
        )
        for place, period in enumerate(periods)
    )
    return union_all(*rows).subquery("periods")


def _within(column: Any, table: Subquery) -> ColumnElement[bool]:
    return and_(column >= table.c.begin, column < table.c.end)


def _in(column: Any, whole: Period) -> tuple[ColumnElement[bool], ...]:
    return column >= whole.begin, column < whole.end


def _conversations(counted: Counted) -> list[ColumnElement[bool]]:
    conditions = [
        Conversation.user_id == counted.user_id,
        Conversation.status != ConversationStatus.DELETED,
    ]
    return conditions + ([] if counted.group_id is None else [Conversation.group_id == counted.group_id])


def _messages(statement: Any, counted: Counted) -> Any:
    """`statement` over the messages that count, and their conversations."""
    return statement.join(Conversation, Conversation.id == Message.conversation_id).where(
        Message.user_id == counted.user_id,
        Message.status == RowStatus.ACTIVE,
        *_conversations(counted),
    )
