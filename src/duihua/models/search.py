"""What search finds: one document for each message and conversation that can be seen.

Beside each table of documents is what finds them: on SQLite a table of FTS5, on PostgreSQL an index.
"""

from sqlalchemy import DDL, BigInteger, ForeignKey, Index, Integer, String, Text, event, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.core.text import LATIN
from duihua.db.base import Base, BigId

# On SQLite no row is in this index, where no statement would use it.
_NOTHING = text("user_id IS NULL")


def _by_owner(table: str) -> Index:
    return Index(f"ix_{table}_user_id_id", "user_id", "id", sqlite_where=_NOTHING)


# On so many shelves PostgreSQL keeps what it finds by, all of one owner on one; the others are not read.
# More of them cost room; one for everybody three times as much where a thousand people share a server.
SHELVES = 16
# KiB of what was written last, which every lookup reads from end to end: the server's 4 MiB take longer
# than a rare word, and the message that has them sorted in waits ten times as long.
_PENDING = 256
_NO_LATIN = "[^" + "".join(each if each.isascii() else f"\\u{ord(each):04x}" for each in LATIN) + "]+"


def held(table: str) -> str:
    """What PostgreSQL finds a document by, as an array of texts: index and lookup say it in the same words.

    The owner; and with the owner's shelf before it, every character but ASCII's letters and digits, and every
    two neighbours of what is left where all but Latin becomes a space. `search_index.signs` has the same of
    a keyword. Pairs by a pattern with groups or a look ahead would take seven times as long.
    """
    said = f'{table}.text COLLATE "C"'
    others = f"translate({said}, ' 0123456789abcdefghijklmnopqrstuvwxyz', '')"
    latin = f"regexp_replace({said}, '{_NO_LATIN}', ' ', 'g')"
    pieces = ((others, ".", " "), (latin, "..", "|"), (f"(' ' || {latin})", "..", "|"))
    shelved = (
        f"string_to_array(regexp_replace({of}, '{piece}', to_hex(mod({table}.user_id, {SHELVES})) || "
        f"'\\&{end}', 'g'), '{end}')"
        for of, piece, end in pieces
    )
    owner = f"ARRAY['user' || CAST({table}.user_id AS TEXT)]"
    return f"({' || '.join((owner, *shelved))})"


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
        pending = f"WITH (gin_pending_list_limit = {_PENDING})"
        return [f"CREATE INDEX {name} ON {table} USING gin ({held(table)}) {pending}"]
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
