"""What search reads of the database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Row, Select, bindparam, func, literal, select

from duihua.db.session import Session
from duihua.models import Conversation, ConversationDocument, Message, MessageDocument
from duihua.models.search import owned
from duihua.schemas.search import SearchQuery
from duihua.search.ranking import rarity_of
from duihua.search_index import found as limits
from duihua.search_index import lookup_repository as lookup
from duihua.search_index.found import Candidates, Found, Wanted
from duihua.search_index.query import Query, Term
from duihua.search_index.repository import (
    CONVERSATIONS,
    MESSAGES,
    OTHER_TYPES,
    is_sqlite,
    message_facets,
    microseconds,
)
from duihua.search_index.survey_repository import survey
from duihua.vocabulary import MessageType

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
# Built once: that takes as long as the database does. Of SQLite alone.
_NAMED = select(ConversationDocument.id, ConversationDocument.text).where(ConversationDocument.id.in_(_IDS))
_SAID = (
    select(
        MessageDocument.id,
        MessageDocument.text,
        func.coalesce(ConversationDocument.text, ""),
        MessageDocument.said_at,
    )
    .outerjoin(ConversationDocument, ConversationDocument.id == MessageDocument.conversation_id)
    .where(MessageDocument.id.in_(_IDS))
)
# Fewer messages than this are looked through, rather than so many hits joined with them.
_NARROW = 30_000
# Beyond the page: of imported messages, the newest need not have the largest ids.
_LOOKAHEAD = 100


class Hits(NamedTuple):
    """What was found of one kind."""

    found: Found
    user_id: int
    are_messages: bool

    @property
    def total(self) -> int:
        """At most one beyond `COUNTED`."""
        return self.found.total


class Looked(NamedTuple):
    """What was found of both kinds, None where it was not looked for; and what each term weighs."""

    chats: Hits | None
    said: Hits | None
    rarity: Mapping[Term, float]


def look(
    session: Session, user_id: int, wanted: SearchQuery, query: Query, within: int | None = None
) -> Looked:
    """The conversations and messages that are meant; `within` a conversation, if one is named."""
    is_ranked = wanted.sort == "relevance"
    of_chats = wanted.type != "message" and not _is_of_messages(wanted)
    if is_sqlite(session):
        chats = _conversations(session, user_id, wanted, query) if of_chats else None
        said = _messages(session, user_id, wanted, query, within) if wanted.type != "chat" else None
        return Looked(chats, said, _rarity(session, user_id, query) if is_ranked else {})
    asked = [Wanted(CONVERSATIONS, query, conditions=_of_conversation(wanted))] if of_chats else []
    if wanted.type != "chat":
        conditions = [*_inside(wanted, within), *_facts(wanted, within)]
        asked.append(Wanted(MESSAGES, query, conditions=conditions))
    if not asked:
        return Looked(None, None, {})
    found, holders = survey(session, user_id, asked, is_ranked=is_ranked)
    hits = [
        Hits(each, user_id, are_messages=of.kind is MESSAGES) for of, each in zip(asked, found, strict=True)
    ]
    return Looked(
        next((each for each in hits if not each.are_messages), None),
        next((each for each in hits if each.are_messages), None),
        _weights(query, holders),
    )


def _is_of_messages(wanted: SearchQuery) -> bool:
    filters = (wanted.role, wanted.message_type, wanted.chat_id, wanted.on_branch)
    return any(value is not None for value in filters)


def _messages(session: Session, user_id: int, wanted: SearchQuery, query: Query, within: int | None) -> Hits:
    facts = message_facets(wanted.role, wanted.message_type, wanted.model_id)
    without = OTHER_TYPES if wanted.message_type is MessageType.TEXT else ()
    found = lookup.find(session, user_id, Wanted(MESSAGES, query, facts, without=without))
    if inside := _inside(wanted, within):
        narrow = _narrow(session, user_id, wanted, query, within) if found.total > limits.COUNTED else None
        found = (
            lookup.run(session, narrow)
            if narrow is not None
            else lookup.find(session, user_id, Wanted(MESSAGES, query, facts, inside, without))
        )
    return Hits(found, user_id, are_messages=True)


def _facts(wanted: SearchQuery, within: int | None) -> list[ColumnElement[bool]]:
    """Conditions for what is a token on SQLite alone; each is looked up, as for most searches few must be."""
    facts = [
        select(column).where(Message.id == MessageDocument.id).scalar_subquery() == value
        for column, value in _columns(wanted)
        if value is not None
    ]
    if within is not None:
        facts.append(MessageDocument.id.in_(select(Message.id).where(Message.conversation_id == within)))
    return facts


def _columns(wanted: SearchQuery) -> tuple[tuple[Any, Any], ...]:
    return (
        (Message.role, wanted.role),
        (Message.message_type, wanted.message_type),
        (Message.model_id, wanted.model_id),
    )


def _inside(wanted: SearchQuery, within: int | None) -> list[ColumnElement[bool]]:
    """Conditions of the documents for what is no token."""
    document, conditions = MessageDocument, list[ColumnElement[bool]]()
    if within is not None:
        conditions.append(document.conversation_id == within)
    if wanted.on_branch is not None:
        # Of each by itself: a set of them would be of the whole archive.
        shown = select(Message.on_branch).where(Message.id == document.id).scalar_subquery()
        conditions.append(shown.is_(wanted.on_branch))
    if wanted.group_id is not None:
        in_group = select(Conversation.id).where(Conversation.group_id == wanted.group_id)
        conditions.append(document.conversation_id.in_(in_group))
    return [*conditions, *_between(wanted, document.said_at, microseconds)]


def _between(
    wanted: SearchQuery, moment: Any, stored: Callable[[datetime], Any] = lambda at: at
) -> list[ColumnElement[bool]]:
    """Conditions for the times that are asked for on the column `moment`, which holds them as `stored`."""
    begin, end = wanted.begin_time, wanted.end_time
    return [
        *([] if begin is None else [moment >= stored(begin)]),
        *([] if end is None else [moment <= stored(end)]),
    ]


def _narrow(
    session: Session, user_id: int, wanted: SearchQuery, query: Query, within: int | None
) -> Select[int] | None:
    """A statement that looks through the messages that the filters leave; None where they leave many."""
    if any(term.begins_word for term in (*query.wanted, *query.unwanted)):
        return None
    # Inside one conversation the owner is known, and would tempt SQLite to the index of all that is theirs.
    left = select(Message.id) if within is not None else select(Message.id).where(Message.user_id == user_id)
    for column, value in (
        *_columns(wanted),
        (Message.conversation_id, within),
        (Message.on_branch, wanted.on_branch),
    ):
        left = left if value is None else left.where(column == value)
    left = left.where(*_between(wanted, Message.created_at))
    if wanted.group_id is not None:
        in_group = Conversation.group_id == wanted.group_id
        left = left.join(Conversation, Conversation.id == Message.conversation_id).where(in_group)
    number = session.scalar(select(func.count()).select_from(left.limit(_NARROW + 1).subquery())) or 0
    if number > _NARROW:
        return None
    return lookup.scanning(MESSAGES, query).where(MessageDocument.id.in_(left))


def _conversations(session: Session, user_id: int, wanted: SearchQuery, query: Query) -> Hits:
    conditions = _of_conversation(wanted)
    found = lookup.find(session, user_id, Wanted(CONVERSATIONS, query, conditions=conditions))
    return Hits(found, user_id, are_messages=False)


def _of_conversation(wanted: SearchQuery) -> list[ColumnElement[bool]]:
    """Conditions of the documents of conversations."""
    filters = {Conversation.group_id: wanted.group_id, Conversation.model_id: wanted.model_id}
    inside = [column == value for column, value in filters.items() if value is not None]
    inside += _between(wanted, Conversation.updated_at)
    return [ConversationDocument.id.in_(select(Conversation.id).where(*inside))] if inside else []


def _rarity(session: Session, user_id: int, query: Query) -> dict[Term, float]:
    of_one = len(query.wanted) == 1
    return _weights(query, () if of_one else lookup.frequencies(session, user_id, query.wanted))


def _weights(query: Query, holders: Sequence[int]) -> dict[Term, float]:
    """The weight of each term; of one alone, it makes no difference."""
    if not holders:
        return dict.fromkeys(query.wanted, 1.0)
    weights = (rarity_of(number, limits.RARE) for number in holders)
    return dict(zip(query.wanted, weights, strict=True))


def newest(session: Session, hits: Hits, first: int, count: int) -> Sequence[int]:
    """The ids from `first` on, newest (by id) first."""
    if first + count <= len(hits.found.newest) or len(hits.found.newest) == hits.total:
        return hits.found.newest[first : first + count]
    return session.connection().scalars(hits.found.statement.offset(first).limit(count)).all()


def candidates(session: Session, hits: Hits, count: int) -> Candidates:
    """The newest hits as ranking sees them: on PostgreSQL they came with their number."""
    if hits.found.texts is not None:
        return hits.found.texts
    statement = _SAID if hits.are_messages else _NAMED
    rows = session.connection().execute(statement, {"ids": newest(session, hits, 0, count)}).all()
    columns = [[row[at] for row in rows] for at in range(len(statement.selected_columns))]
    return Candidates(*columns) if hits.are_messages else Candidates.of_conversations(*columns)


def by_time(session: Session, hits: Hits, first: int, count: int) -> Sequence[int]:
    """The ids from `first` on: the newest messages, or the conversations of the newest activity."""
    last = first + count
    if hits.are_messages and hits.total > limits.COUNTED:
        some = hits.found.statement.limit(last + _LOOKAHEAD).subquery()
        newest = session.execute(_said_in_time(some, hits.user_id)).all()
        if _are_newest(session, hits.user_id, newest, last):
            return [row.id for row in newest[first:last]]
    everything = hits.found.statement.order_by(None).subquery()
    ordered = (
        _said_in_time(everything, hits.user_id)
        if hits.are_messages
        else _in_time(everything, Conversation.id, Conversation.updated_at)
    )
    return [row.id for row in session.execute(ordered.offset(first).limit(count))]


def by_place(session: Session, hits: Hits, first: int, count: int) -> Sequence[int]:
    """The ids from `first` on, of messages of one conversation: the last one of it first."""
    everything = hits.found.statement.order_by(None).subquery()
    rows = select(Message.id).join(everything, everything.c.id == Message.id)
    return session.scalars(
        rows.order_by(Message.depth.desc(), Message.id.desc()).offset(first).limit(count)
    ).all()


def _said_in_time(some: Any, user_id: int) -> Select[Any]:
    joined = _in_time(some, MessageDocument.id, MessageDocument.said_at)
    return joined.where(owned(MessageDocument, literal(user_id, BigInteger)))


def _in_time(some: Any, row_id: Any, moment: Any) -> Select[Any]:
    joined = select(some.c.id, moment.label("moment")).join_from(some, row_id.table, row_id == some.c.id)
    return joined.order_by(moment.desc(), some.c.id.desc())


def _are_newest(session: Session, user_id: int, rows: Sequence[Row[Any]], needed: int) -> bool:
    """Whether no message with a smaller id than all of these is newer than those that are needed."""
    smallest = min(row.id for row in rows)
    older = select(Message.created_at).where(Message.user_id == user_id, Message.id < smallest)
    newest = session.scalar(older.order_by(Message.created_at.desc()).limit(1))
    return newest is None or microseconds(newest) < rows[needed - 1].moment
