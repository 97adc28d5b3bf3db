"""Prompts: texts that a conversation starts from."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime


class Prompt(Base):
    """A system text with `{{variables}}`."""

    __tablename__ = "prompts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    title: Mapped[str] = mapped_column(String(255))
    category: Mapped[str | None] = mapped_column(String(50))
    content: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    is_public: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    variables: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    config: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    sort: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    status: Mapped[str] = mapped_column(String(20), default="active", server_default="active")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
