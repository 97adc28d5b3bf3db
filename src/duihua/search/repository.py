"""What search reads of the database."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import aliased

from duihua.db.session import Session
from duihua.models import Conversation, ConversationDocument, Message, MessageDocument
from duihua.schemas.search import SearchQuery
from duihua.search.ranking import Candidate, rarity_of
from duihua.search_index import lookup_repository as lookup
from duihua.search_index.query import Query, Term
from duihua.search_index.repository import CONVERSATIONS, MESSAGES, OTHER_TYPES, message_facets, microseconds
from duihua.vocabulary import ConversationStatus, MessageType, RowStatus

_PARENT = aliased(Message)


class Hits(NamedTuple):
    """A statement that finds ids, newest first, and how many it finds; at most one beyond `COUNTED`."""

    found: Select[int]
    total: int
    are_messages: bool


def messages(session: Session, user_id: int, wanted: SearchQuery, query: Query) -> Hits:
    """The messages that are meant."""
    document = MessageDocument
    conditions: list[ColumnElement[bool]] = []
    if wanted.group_id is not None:
        in_group = select(Conversation.id).where(Conversation.group_id == wanted.group_id)
        conditions.append(document.conversation_id.in_(in_group))
    if wanted.begin_time is not None:
        conditions.append(document.said_at >= microseconds(wanted.begin_time))
    if wanted.end_time is not None:
        conditions.append(document.said_at <= microseconds(wanted.end_time))
    facts = message_facets(None, wanted.role, wanted.message_type, wanted.model_id)
    facets = (*lookup.owner_facets(session, user_id), *facts)
    without = OTHER_TYPES if wanted.message_type is MessageType.TEXT else ()
    found = lookup.matching(session, MESSAGES, query, facets, conditions, without)
    return Hits(found, lookup.count(session, found), are_messages=True)


def conversations(session: Session, user_id: int, wanted: SearchQuery, query: Query) -> Hits:
    """The conversations whose title or description is meant."""
    filters = {
        Conversation.group_id: wanted.group_id,
        Conversation.model_id: wanted.model_id,
    }
    inside: list[ColumnElement[bool]] = [
        column == value for column, value in filters.items() if value is not None
    ]
    if wanted.begin_time is not None:
        inside.append(Conversation.updated_at >= wanted.begin_time)
    if wanted.end_time is not None:
        inside.append(Conversation.updated_at <= wanted.end_time)
    conditions = [ConversationDocument.id.in_(select(Conversation.id).where(*inside))] if inside else []
    facets = lookup.owner_facets(session, user_id)
    found = lookup.matching(session, CONVERSATIONS, query, facets, conditions)
    return Hits(found, lookup.count(session, found), are_messages=False)


def rarity(session: Session, user_id: int, query: Query) -> dict[Term, float]:
    """The weight of each term; of one alone, it makes no difference."""
    if len(query.wanted) == 1:
        return {query.wanted[0]: 1.0}
    facets = lookup.owner_facets(session, user_id)
    return {
        term: rarity_of(
            lookup.count(session, lookup.matching(session, MESSAGES, Query((term,), ()), facets)),
            lookup.COUNTED,
        )
        for term in query.wanted
    }


def newest(session: Session, hits: Hits, first: int, count: int) -> Sequence[int]:
    """The ids from `first` on, newest (by id) first."""
    return session.scalars(hits.found.offset(first).limit(count)).all()


def candidates(session: Session, hits: Hits, count: int) -> list[Candidate]:
    """The newest hits as ranking sees them."""
    ids = newest(session, hits, 0, count)
    if not hits.are_messages:
        return _conversation_candidates(session, ids)
    document = MessageDocument
    rows = session.execute(
        select(document.id, document.text, ConversationDocument.text, document.said_at)
        .outerjoin(ConversationDocument, ConversationDocument.id == document.conversation_id)
        .where(document.id.in_(ids))
    )
    return [Candidate(row_id, text, title or "", moment) for row_id, text, title, moment in rows]


def _conversation_candidates(session: Session, ids: Sequence[int]) -> list[Candidate]:
    rows = session.execute(
        select(Conversation.id, ConversationDocument.text, Conversation.updated_at)
        .join(ConversationDocument, ConversationDocument.id == Conversation.id)
        .where(Conversation.id.in_(ids))
    )
    # The title is the first line; a description has more room, and says less.
    return [
        Candidate(row_id, text, text.partition("\n")[0], microseconds(moment))
        for row_id, text, moment in rows
    ]


def by_time(session: Session, hits: Hits, first: int, count: int) -> Sequence[int]:
    """The ids from `first` on: the newest messages, or the conversations of the newest activity."""
    row_id: Any = Conversation.id
    moment: Any = Conversation.updated_at
    if hits.are_messages:
        row_id, moment = MessageDocument.id, MessageDocument.said_at
    inside = hits.found.order_by(None).subquery()
    statement = select(row_id).where(row_id.in_(select(inside.c.id)))
    return session.scalars(statement.order_by(moment.desc(), row_id.desc()).offset(first).limit(count)).all()


def shown_messages(session: Session, user_id: int, ids: Sequence[int]) -> list[Any]:
    """`(Message, Conversation, folded text, uuid of the parent)` of each, in the order of `ids`."""
    rows = session.execute(
        select(Message, Conversation, MessageDocument.text, _PARENT.uuid)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(MessageDocument, MessageDocument.id == Message.id)
        .outerjoin(_PARENT, (_PARENT.id == Message.parent_id) & (_PARENT.status == RowStatus.ACTIVE))
        .where(Message.id.in_(ids), Message.user_id == user_id)
    )
    by_id = {row[0].id: row for row in rows}
    return [by_id[row_id] for row_id in ids if row_id in by_id]


def shown_conversations(session: Session, user_id: int, ids: Sequence[int]) -> list[Conversation]:
    """These conversations, in the order of `ids`."""
    rows = session.scalars(
        select(Conversation).where(
            Conversation.id.in_(ids),
            Conversation.user_id == user_id,
            Conversation.status != ConversationStatus.DELETED,
        )
    )
    by_id = {row.id: row for row in rows}
    return [by_id[row_id] for row_id in ids if row_id in by_id]
