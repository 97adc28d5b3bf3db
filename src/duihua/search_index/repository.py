"""The index in the database, brought up to what the messages and conversations are.

What is wanted is always computed from the rows themselves and compared with the documents that are there, so
that it does not matter what was done to a row, or how often it is told. A document keeps the text that its
tokens were made from: FTS5 takes tokens back only from who knows them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Delete,
    Insert,
    Row,
    Table,
    TextClause,
    and_,
    bindparam,
    delete,
    insert,
    select,
    text,
)

from duihua.core.text import fold
from duihua.db.base import table_of
from duihua.db.session import Session
from duihua.db.telling import tell
from duihua.models import Conversation, ConversationDocument, Message, MessageDocument
from duihua.models.search import owned
from duihua.search_index import frequent_repository, tokens
from duihua.vocabulary import ConversationStatus, MessageType, RowStatus

_AT_ONCE = 500
# A server that goes on meanwhile waits for these.
_IN_A_TRANSACTION = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_OF_CONVERSATION_IS_SEEN = Conversation.status != ConversationStatus.DELETED
_MESSAGES = (
    select(
        Message.id,
        Message.user_id,
        Message.conversation_id,
        Message.created_at,
        Message.role,
        Message.message_type,
        Message.model_id,
        Message.content,
        and_(Message.status == RowStatus.ACTIVE, _OF_CONVERSATION_IS_SEEN).label("is_seen"),
        MessageDocument.text.label("indexed"),
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .outerjoin(MessageDocument, (MessageDocument.id == Message.id) & owned(MessageDocument, Message.user_id))
)
_CONVERSATIONS = select(
    Conversation.id,
    Conversation.user_id,
    Conversation.title,
    Conversation.description,
    _OF_CONVERSATION_IS_SEEN.label("is_seen"),
    ConversationDocument.text.label("indexed"),
).outerjoin(
    ConversationDocument,
    (ConversationDocument.id == Conversation.id) & owned(ConversationDocument, Conversation.user_id),
)
# Built once: they run with every message.
_MESSAGES_BY_ID = _MESSAGES.where(Message.id.in_(_IDS))
_MESSAGES_BY_CONVERSATION = _MESSAGES.where(Message.conversation_id.in_(_IDS))
_CONVERSATIONS_BY_ID = _CONVERSATIONS.where(Conversation.id.in_(_IDS))


class _Document(NamedTuple):
    """A row of a table of documents, and what its tokens are made of."""

    values: dict[str, Any]
    facets: tuple[str, ...]

    @property
    def tokens(self) -> list[str]:
        return [*tokens.tokens(self.values["text"]), *self.facets]

    @property
    def place(self) -> int:
        return place(self.values["user_id"], self.values["id"])


class Documents(NamedTuple):
    """One kind of documents: their table, and what finds them: FTS5's table, or PostgreSQL's index."""

    table: Table
    terms: str


MESSAGES = Documents(table_of(MessageDocument), "message_terms")
CONVERSATIONS = Documents(table_of(ConversationDocument), "conversation_terms")


def refresh_messages(session: Session, ids: Sequence[int], *, gone: bool = False) -> None:
    """Make the documents of these messages what they should be; none of those that are `gone`."""
    _refresh(session, MESSAGES, _MESSAGES_BY_ID, ids, gone=gone)


def add_messages(session: Session, documents: Sequence[_Document]) -> None:
    """Index messages that are new."""
    _replace(session, MESSAGES, [], [document for document in documents if document.values["text"]])


def refresh_conversations(session: Session, ids: Sequence[int], *, gone: bool = False) -> None:
    """The same for the titles and descriptions of these conversations, but not for their messages."""
    _refresh(session, CONVERSATIONS, _CONVERSATIONS_BY_ID, ids, gone=gone)


def refresh_messages_of(session: Session, conversation_ids: Sequence[int], *, gone: bool = False) -> None:
    """The same for all messages of these conversations."""
    _refresh(session, MESSAGES, _MESSAGES_BY_CONVERSATION, conversation_ids, gone=gone)


def _refresh(session: Session, kind: Documents, found: Any, ids: Sequence[int], *, gone: bool) -> int:
    """How many documents had to be corrected."""
    document = _of_message if kind is MESSAGES else _of_conversation
    corrected = 0
    for start in range(0, len(ids), _AT_ONCE):
        rows = session.connection().execute(found, {"ids": list(ids[start : start + _AT_ONCE])})
        for some in rows.partitions(_AT_ONCE):
            corrected += _write(session, kind, some, [document(row, gone=gone) for row in some])
    return corrected


def _of_message(row: Row[Any], *, gone: bool) -> _Document:
    return document_of(row, seen=row.is_seen and not gone)


def document_of(message: Message | Row[Any], *, seen: bool = True) -> _Document:
    """What is to be indexed of this message."""
    values = {
        "id": message.id,
        "user_id": message.user_id,
        "conversation_id": message.conversation_id,
        "said_at": microseconds(message.created_at),
        "text": fold(message.content) if seen else "",
    }
    return _Document(values, message_facets(message.role, message.message_type, message.model_id))


def _of_conversation(row: Row[Any], *, gone: bool) -> _Document:
    said = "\n".join(part for part in (row.title, row.description) if part)
    values = {"id": row.id, "user_id": row.user_id, "text": "" if gone or not row.is_seen else fold(said)}
    return _Document(values, ())


# What no message of the type "text" has: of that one, as of nearly all, nothing is said.
OTHER_TYPES = tuple(tokens.facet("type", other) for other in MessageType if other is not MessageType.TEXT)


def message_facets(role: str | None, message_type: str | None, model_id: str | None) -> tuple[str, ...]:
    """The tokens of these facts about a message; of None nothing is said."""
    facts = {"role": role, "type": message_type, "model": model_id}
    return tuple(
        tokens.facet(name, value)
        for name, value in facts.items()
        if value is not None and value != MessageType.TEXT
    )


def place(user_id: int, row_id: int = 0) -> int:
    """Where FTS5 keeps a document: what one user owns lies together, so no other's is read to find it.

    There is room for eight million users, and a million million messages.
    """
    return (user_id << 40) + row_id


def microseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _write(session: Session, kind: Documents, rows: Sequence[Row[Any]], wanted: list[_Document]) -> int:
    """Replace what is indexed of `rows` by what is wanted, where they differ; how often that was."""
    differing = [
        (row.indexed, document)
        for row, document in zip(rows, wanted, strict=True)
        if (row.indexed or "") != document.values["text"]
    ]
    old = [
        document._replace(values=document.values | {"text": indexed})
        for indexed, document in differing
        if indexed is not None
    ]
    new = [document for _, document in differing if document.values["text"]]
    _replace(session, kind, old, new)
    return len(differing)


def _replace(session: Session, kind: Documents, old: list[_Document], new: list[_Document]) -> None:
    if is_sqlite(session):
        _write_terms(session, kind, old, new)
    elif old and kind is MESSAGES:
        frequent_repository.note_removals(session, (document.values["user_id"] for document in old))
    for owner, ids in _by_owner(old).items():
        session.connection().execute(_removing(kind.table), {"owner": owner, "ids": ids})
    if new:
        tell(session.connection(), _adding(kind.table), [document.values for document in new])


def _by_owner(documents: Iterable[_Document]) -> dict[int, list[int]]:
    """The ids of each."""
    ids = defaultdict[int, list[int]](list)
    for document in documents:
        ids[document.values["user_id"]].append(document.values["id"])
    return ids


def _write_terms(
    session: Session, kind: Documents, old: Iterable[_Document], new: Iterable[_Document]
) -> None:
    for statement, documents in zip(_changing(kind.terms), (old, new), strict=True):
        # Ascending: FTS5 begins a new segment with each step back.
        rows = sorted((document.place, " ".join(document.tokens)) for document in documents)
        if rows:
            parameters = [{"id": row, "tokens": words} for row, words in rows]
            tell(session.connection(), statement, parameters)


# Built once: they run with every message.
@cache
def _adding(table: Table) -> Insert:
    return insert(table)


@cache
def _removing(table: Table) -> Delete:
    return delete(table).where(table.c.id.in_(_IDS), owned(table.c, bindparam("owner", type_=BigInteger)))


@cache
def _changing(terms: str) -> tuple[TextClause, TextClause]:
    removal = f"INSERT INTO {terms} ({terms}, rowid, tokens) VALUES ('delete', :id, :tokens)"
    return text(removal), text(f"INSERT INTO {terms} (rowid, tokens) VALUES (:id, :tokens)")


def is_sqlite(session: Session) -> bool:
    """Whether the tokens are FTS5's."""
    return session.get_bind().dialect.name == "sqlite"


def refresh_after(session: Session, kind: Documents, last: int) -> tuple[int | None, int, int]:
    """The same for the next messages or conversations after this id.

    Returns the last id, None where there are no more; how many they were; how many had to be corrected.
    """
    column = Message.id if kind is MESSAGES else Conversation.id
    some = session.scalars(
        select(column).where(column > last).order_by(column).limit(_IN_A_TRANSACTION)
    ).all()
    found = _MESSAGES_BY_ID if kind is MESSAGES else _CONVERSATIONS_BY_ID
    corrected = _refresh(session, kind, found, some, gone=False)
    return some[-1] if len(some) == _IN_A_TRANSACTION else None, len(some), corrected
