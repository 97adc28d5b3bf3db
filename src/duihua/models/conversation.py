"""Conversations."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime


class Conversation(Base):
    """A tree of messages with one active branch; `message_count` and `last_message` are of that branch."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_user_id_updated", "user_id", "status", "pinned", "updated_at", "id"),
        Index("ix_conversations_group_id", "group_id", "status", "updated_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    group_id: Mapped[int] = mapped_column(BigId, ForeignKey("chat_groups.id"))
    title: Mapped[str] = mapped_column(String(255))
    title_source: Mapped[str] = mapped_column(String(20), default="default", server_default="default")
    description: Mapped[str | None] = mapped_column(Text)
    model_id: Mapped[str | None] = mapped_column(String(255))
    api_key_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("api_keys.id"))
    prompt_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("prompts.id"))
    config: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The end of the active branch; no foreign key, because messages point here already.
    active_leaf_id: Mapped[int | None] = mapped_column(BigId)
    message_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    last_message: Mapped[str | None] = mapped_column(Text)
    pinned: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    status: Mapped[str] = mapped_column(String(20), default="active", server_default="active")
    # What it comes back as from the trash; NULL while it is not there.
    status_before: Mapped[str | None] = mapped_column(String(20))
    # The group whose tallies have it and its messages; NULL: none, because it is deleted.
    counted_in: Mapped[int | None] = mapped_column(BigId)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
