"""Whether the index is what its documents say; and a new beginning where it is not."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, text, update

from duihua.db.session import Session
from duihua.models import Conversation, Message, SearchIndex, User
from duihua.search_index import frequent_repository, tokens
from duihua.search_index.repository import MESSAGES, Documents, is_sqlite, message_facets

_AT_ONCE = 500


def version(session: Session, kind: str) -> int | None:
    """By which rules the tokens were made; None and 0: by none."""
    return session.scalar(select(SearchIndex.version).where(SearchIndex.kind == kind))


def set_version(session: Session, kind: str, number: int) -> None:
    """Say that all tokens were made by these rules."""
    known = session.execute(update(SearchIndex).where(SearchIndex.kind == kind).values(version=number))
    if not known.rowcount:  # type: ignore[attr-defined]  # an UPDATE counts its rows
        session.execute(insert(SearchIndex).values(kind=kind, version=number))


def clear(session: Session, kind: str, documents: Documents) -> None:
    """Forget everything of this kind."""
    set_version(session, kind, 0)
    session.connection().execute(delete(documents.table))
    if is_sqlite(session):
        session.connection().execute(
            text(f"INSERT INTO {documents.terms} ({documents.terms}) VALUES ('delete-all')")
        )
    else:
        frequent_repository.note_removals(session, session.scalars(select(User.id)))


def has_orphans(session: Session, documents: Documents) -> bool:
    """Whether a document's message or conversation is gone, or another user's."""
    source: Any = Message if documents is MESSAGES else Conversation
    table = documents.table.c
    same = (source.id == table.id) & (source.user_id == table.user_id)
    orphans = select(table.id).outerjoin(source, same)
    return session.scalar(orphans.where(source.id.is_(None)).limit(1)) is not None


def agrees(session: Session, documents: Documents) -> bool:
    """Whether the tokens are those of the documents. Those of PostgreSQL are its own index, made by itself.

    It is compared in how many documents each token is: FTS5 tells no more of itself in a reasonable time. The
    whole comparison is of one snapshot.
    """
    if not is_sqlite(session):
        return True
    counted = Counter(token for row in _rows(session, documents) for token in _tokens_of(row, documents))
    held = session.connection().execute(text(f"SELECT term, doc FROM {documents.terms}_vocab"))
    return counted == Counter({row.term: row.doc for row in held})


def _tokens_of(row: Row[Any], documents: Documents) -> set[str]:
    facets = message_facets(row.role, row.message_type, row.model_id) if documents is MESSAGES else ()
    return tokens.tokens(row.text) | set(facets)


def _rows(session: Session, documents: Documents) -> Iterator[Row[Any]]:
    table = documents.table
    statement: Select[Any] = select(table.c.id, table.c.text)
    if documents is MESSAGES:
        statement = statement.add_columns(Message.role, Message.message_type, Message.model_id)
        statement = statement.join(Message, Message.id == table.c.id)
    last = 0
    while True:
        some = session.connection().execute(
            statement.where(table.c.id > last).order_by(table.c.id).limit(_AT_ONCE)
        )
        if not (rows := some.all()):
            return
        yield from rows
        last = rows[-1].id
