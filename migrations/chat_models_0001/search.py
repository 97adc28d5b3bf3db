"""What search finds; on SQLite with tables of FTS5, on PostgreSQL with indexes of GIN."""

import sqlalchemy as sa

from chat_models_0001.columns import BIG_ID, METADATA, owner
from duihua.db.session import Session
from duihua.models.search import partitioned, terms_beside
from duihua.search_index import rebuilding
from duihua.search_index.tokens import TOKENS_VERSION


def _documents(name: str, *columns: sa.Column[object], text: str, comment: str) -> None:
    key, arguments = partitioned()
    sa.Table(
        name,
        METADATA,
        sa.Column("id", BIG_ID, primary_key=True, autoincrement=False),
        owner(),
        *columns,
        sa.Column("text", sa.Text(), nullable=False, comment=text),
        key,
        comment=comment,
        **arguments,
    )


_documents(
    "message_documents",
    sa.Column("conversation_id", BIG_ID, nullable=False),
    sa.Column("said_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970"),
    text="the message in the form in which texts are compared",
    comment="What search finds of each message that can be seen; the id is the message's",
)
_documents(
    "conversation_documents",
    text="title and description in the form in which texts are compared",
    comment="What search finds of each conversation that can be seen; the id is the conversation's",
)
sa.Table(
    "search_index",
    METADATA,
    sa.Column("kind", sa.String(20), primary_key=True, comment="messages, conversations"),
    sa.Column("version", sa.Integer(), nullable=False, comment="the rules that the tokens were made by"),
    comment="How the documents were made",
)


def beside(dialect: str) -> list[str]:
    """SQL that makes what the tables of documents need beside them, as long as nothing is indexed."""
    terms = [
        statement
        for kind in ("message", "conversation")
        for statement in terms_beside(f"{kind}_documents", f"{kind}_terms", dialect)
    ]
    kinds = (
        f"INSERT INTO search_index (kind, version) VALUES ('{kind}', {TOKENS_VERSION})"
        for kind in ("messages", "conversations")
    )
    return [*terms, *kinds]


def index(connection: sa.Connection) -> None:
    """Index what was there before."""
    with Session(connection, join_transaction_mode="rollback_only") as session:
        rebuilding.index_all(session)
