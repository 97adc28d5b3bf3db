"""What search finds: one document for each message and conversation that can be seen.

Beside each table of documents is what finds them: on SQLite a table of FTS5, on PostgreSQL an index.
"""

from sqlalchemy import DDL, BigInteger, ForeignKey, Index, Integer, String, Text, event, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId

# On SQLite no row is in this index, where no statement would use it.
_NOTHING = text("user_id IS NULL")


def _by_owner(table: str) -> Index:
    return Index(f"ix_{table}_user_id_id", "user_id", "id", sqlite_where=_NOTHING)


def held(table: str) -> str:
    """What PostgreSQL finds a document by, as an array of texts: index and lookup say it in the same words.

    The owner, every character but ASCII's letters and digits, and every two neighbours of what is left where
    all but these becomes a space; `search_index.tokens.signs` has the same of a keyword. Pairs by a pattern
    with groups or a look ahead would take seven times as long.
    """
    said = f'{table}.text COLLATE "C"'
    others = f"translate({said}, ' 0123456789abcdefghijklmnopqrstuvwxyz', '')"
    latin = f"regexp_replace({said}, '[^0-9a-z]+', ' ', 'g')"
    pairs = (
        f"string_to_array(regexp_replace({begun}, '..', '\\&|', 'g'), '|')"
        for begun in (latin, f"(' ' || {latin})")
    )
    owner = f"ARRAY['user' || CAST({table}.user_id AS TEXT)]"
    return f"({' || '.join((owner, f'string_to_array({others}, NULL)', *pairs))})"


class _Document:
    """The folded text of something that can be seen; `id` is that one's."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False, sort_order=-2)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), sort_order=-1)
    text: Mapped[str] = mapped_column(Text, sort_order=1)


class MessageDocument(_Document, Base):
    """The text of a message."""

    __tablename__ = "message_documents"
    __table_args__ = (_by_owner("message_documents"),)

    conversation_id: Mapped[int] = mapped_column(BigId)
    # Microseconds since 1970.
    said_at: Mapped[int] = mapped_column(BigInteger)


class ConversationDocument(_Document, Base):
    """The title and the description of a conversation."""

    __tablename__ = "conversation_documents"
    __table_args__ = (_by_owner("conversation_documents"),)


class SearchIndex(Base):
    """Which rules the tokens of each kind of document were made by."""

    __tablename__ = "search_index"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)


def terms_beside(table: str, name: str, dialect: str) -> list[str]:
    """SQL that makes what finds the documents of a table."""
    if dialect == "postgresql":
        return [f"CREATE INDEX {name} ON {table} USING gin ({held(table)})"]
    return [
        f"CREATE VIRTUAL TABLE {name} USING fts5"
        "(tokens, content='', detail=none, columnsize=0, tokenize='ascii')",
        # Keeps nothing: it shows which tokens there are.
        f"CREATE VIRTUAL TABLE {name}_vocab USING fts5vocab({name}, row)",
    ]


for _model, _name in ((MessageDocument, "message_terms"), (ConversationDocument, "conversation_terms")):
    for _dialect in ("sqlite", "postgresql"):
        for _statement in terms_beside(_model.__tablename__, _name, _dialect):
            _made = DDL(_statement)  # type: ignore[no-untyped-call]  # it has no types
            event.listen(_model.__table__, "after_create", _made.execute_if(dialect=_dialect))
