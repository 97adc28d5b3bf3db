"""What search finds: one document for each message and conversation that can be seen.

On SQLite the tokens are in a table of FTS5 beside the documents, on PostgreSQL in a column of theirs.
"""

from sqlalchemy import ARRAY, DDL, BigInteger, ForeignKey, Index, Integer, String, Text, event, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId

# Numbers, because they are compared faster than texts; see `search_index.tokens`. SQLite leaves it empty.
_TOKENS = ARRAY(Integer).with_variant(Text(), "sqlite")


# On SQLite, no row is in an index for PostgreSQL: it costs nothing there.
_NOTHING = text("tokens IS NOT NULL")


def _indexes(table: str) -> tuple[Index, Index]:
    return (
        Index(f"ix_{table}_tokens", "tokens", postgresql_using="gin", sqlite_where=_NOTHING),
        Index(f"ix_{table}_user_id_id", "user_id", "id", sqlite_where=_NOTHING),
    )


class MessageDocument(Base):
    """The folded text of a message that can be seen; `id` is the message's."""

    __tablename__ = "message_documents"
    __table_args__ = _indexes("message_documents")

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    conversation_id: Mapped[int] = mapped_column(BigId)
    # Microseconds since 1970.
    said_at: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(Text)
    tokens: Mapped[list[int] | None] = mapped_column(_TOKENS)


class ConversationDocument(Base):
    """The folded title and description of a conversation that can be seen; `id` is the conversation's."""

    __tablename__ = "conversation_documents"
    __table_args__ = _indexes("conversation_documents")

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(Text)
    tokens: Mapped[list[int] | None] = mapped_column(_TOKENS)


class SearchIndex(Base):
    """Which rules the tokens of each kind of document were made by."""

    __tablename__ = "search_index"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)


def _terms_beside(model: type[Base], name: str) -> None:
    for statement in (
        f"{name} USING fts5(tokens, content='', detail=none, columnsize=0, tokenize='ascii')",
        # Keeps nothing: it shows which tokens there are.
        f"{name}_vocab USING fts5vocab({name}, row)",
    ):
        table = DDL(f"CREATE VIRTUAL TABLE {statement}")  # type: ignore[no-untyped-call]  # it has no types
        event.listen(model.__table__, "after_create", table.execute_if(dialect="sqlite"))


_terms_beside(MessageDocument, "message_terms")
_terms_beside(ConversationDocument, "conversation_terms")
