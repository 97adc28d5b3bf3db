"""Messages: the nodes of a conversation's tree."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime

# What a message says and how it came to be: the columns that a copy has too, wherever it stands.
SAID = (
    *("role", "content", "reasoning", "reasoning_ms", "message_type", "message_metadata", "files"),
    *(
        "first_token_ms",
        "duration_ms",
        "model_id",
        "token_count",
        "character_count",
        "error",
        "error_values",
        "finish_reason",
    ),
    *("created_at", "updated_at"),
)


class Message(Base):
    """One node. Siblings of one role are versions of each other.

    `on_branch` marks the nodes of the active branch and `depth` counts from the root, so that a page of
    the branch is one range of an index however long the conversation is.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_branch", "conversation_id", "on_branch", "status", "depth"),
        Index("ix_messages_user_id_created", "user_id", "created_at"),
        # Few messages have files; those are looked for when a file may be of no use any more.
        Index(
            "ix_messages_with_files",
            "user_id",
            sqlite_where=text("files IS NOT NULL"),
            postgresql_where=text("files IS NOT NULL"),
        ),
        Index("ix_messages_parent_id", "parent_id", "conversation_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    conversation_id: Mapped[int] = mapped_column(BigId, ForeignKey("conversations.id"))
    parent_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("messages.id"))
    depth: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    on_branch: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    role: Mapped[str] = mapped_column(String(20))
    content: Mapped[str] = mapped_column(Text)
    reasoning: Mapped[str | None] = mapped_column(Text)
    reasoning_ms: Mapped[int | None] = mapped_column(Integer)
    # Of the run that wrote it, from `created_at`: a page of messages asks for no runs.
    first_token_ms: Mapped[int | None] = mapped_column(Integer)
    duration_ms: Mapped[int | None] = mapped_column(Integer)
    message_type: Mapped[str] = mapped_column(String(20), default="text", server_default="text")
    message_metadata: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    files: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    model_id: Mapped[str | None] = mapped_column(String(255))
    token_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    character_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    state: Mapped[str] = mapped_column(String(20), default="complete", server_default="complete")
    error: Mapped[str | None] = mapped_column(String(50))
    # What the sentence for `error` is filled with: the sentence itself is made in the reader's language.
    error_values: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    finish_reason: Mapped[str | None] = mapped_column(String(50))
    status: Mapped[str] = mapped_column(String(20), default="active", server_default="active")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MessageRevision(Base):
    """A text that a message had before it was edited in place."""

    __tablename__ = "message_revisions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    message_id: Mapped[int] = mapped_column(BigId, ForeignKey("messages.id"), index=True)
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
