"""What search finds: one document for each message and conversation that can be seen.

Beside each table of documents is what finds them: on SQLite a table of FTS5, on PostgreSQL an index. There
documents are partitioned by their owners: what one finds lies on few pages, and no index of others' is read.
"""

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    SQLColumnExpression,
    String,
    Text,
    and_,
    event,
    literal_column,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from duihua.core.text import LATIN
from duihua.db.base import Base, BigId

# Of PostgreSQL, all that one user owns in one of them; a power of two. More would cost room and planning.
PARTITIONS = 16
# KiB of what was written last, which every lookup reads from end to end: the server's 4 MiB take longer
# than a rare word, and the message that has them sorted in waits ten times as long.
_PENDING = 256
_NO_LATIN = "[^" + "".join(each if each.isascii() else f"\\u{ord(each):04x}" for each in LATIN) + "]+"


def partition_of(user_id: SQLColumnExpression[int]) -> ColumnElement[int]:
    """In which partition PostgreSQL keeps what this user owns."""
    number: ColumnElement[int] = user_id.bitwise_and(literal_column(str(PARTITIONS - 1)))
    return number


def in_partition_of(documents: Any, user_id: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """These documents are in the partition of this user, and PostgreSQL reads no other.

    By bits of the owner's id and not by its hash, for which the owner has to be compared: the planner might
    then read all that a user owns instead of what finds texts, as it does not know what their signs cost.
    """
    return partition_of(documents.user_id) == partition_of(user_id)


def owned(documents: Any, user_id: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """These documents are this user's."""
    return and_(documents.user_id == user_id, in_partition_of(documents, user_id))


def partitioned() -> tuple[Any, ...]:
    """What makes it so, for the arguments of a table. PostgreSQL's partitions have keys of their own."""
    by = f"LIST ((user_id & {PARTITIONS - 1}))"
    return (PrimaryKeyConstraint("id").ddl_if(dialect="sqlite"), {"postgresql_partition_by": by})


def held(table: str) -> str:
    """What PostgreSQL finds a document by, as an array of texts: index and lookup say it in the same words.

    The owner; every character but ASCII's letters and digits; and every two neighbours of what is left where
    all but Latin becomes a space. `search_index.signs` has the same of a keyword. Pairs by a pattern with
    groups or a look ahead would take seven times as long.
    """
    said = f'{table}.text COLLATE "C"'
    others = f"translate({said}, ' 0123456789abcdefghijklmnopqrstuvwxyz', '')"
    latin = f"regexp_replace({said}, '{_NO_LATIN}', ' ', 'g')"
    pairs = (
        f"string_to_array(regexp_replace({of}, '..', '\\&|', 'g'), '|')"
        for of in (latin, f"(' ' || {latin})")
    )
    owner = f"ARRAY['user' || CAST({table}.user_id AS TEXT)]"
    return f"({' || '.join((owner, f'string_to_array({others}, NULL)', *pairs))})"


class _Document:
    """The folded text of something that can be seen; `id` is that one's."""

    @declared_attr.directive
    def __table_args__(self) -> tuple[Any, ...]:
        return partitioned()

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False, sort_order=-2)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), sort_order=-1)
    text: Mapped[str] = mapped_column(Text, sort_order=1)


class MessageDocument(_Document, Base):
    """The text of a message."""

    __tablename__ = "message_documents"

    conversation_id: Mapped[int] = mapped_column(BigId)
    # Microseconds since 1970.
    said_at: Mapped[int] = mapped_column(BigInteger)


class ConversationDocument(_Document, Base):
    """The title and the description of a conversation."""

    __tablename__ = "conversation_documents"


class SearchIndex(Base):
    """Which rules the tokens of each kind of document were made by."""

    __tablename__ = "search_index"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)


def terms_beside(table: str, name: str, dialect: str) -> list[str]:
    """SQL that makes what finds the documents of a table, and on PostgreSQL (14 or later) its partitions."""
    if dialect == "postgresql":
        pending = f"WITH (gin_pending_list_limit = {_PENDING})"
        parts = [statement for number in range(PARTITIONS) for statement in _part(table, number)]
        return [*parts, f"CREATE INDEX {name} ON {table} USING gin ({held(table)}) {pending}"]
    return [
        f"CREATE VIRTUAL TABLE {name} USING fts5"
        "(tokens, content='', detail=none, columnsize=0, tokenize='ascii')",
        # Keeps nothing: it shows which tokens there are.
        f"CREATE VIRTUAL TABLE {name}_vocab USING fts5vocab({name}, row)",
    ]


def _part(table: str, number: int) -> tuple[str, str]:
    part = f"{table}_{number}"
    return (
        f"CREATE TABLE {part} PARTITION OF {table} (PRIMARY KEY (user_id, id)) FOR VALUES IN ({number})",
        # Or the planner takes one in 200 of its documents to be in it, and sorts what is in order already.
        f"CREATE STATISTICS {part}_owners ON (user_id & {PARTITIONS - 1}) FROM {part}",
    )


for _model, _name in ((MessageDocument, "message_terms"), (ConversationDocument, "conversation_terms")):
    for _dialect in ("sqlite", "postgresql"):
        for _statement in terms_beside(_model.__tablename__, _name, _dialect):
            _made = DDL(_statement)  # type: ignore[no-untyped-call]  # it has no types
            event.listen(_model.__table__, "after_create", _made.execute_if(dialect=_dialect))
