"""Users: whoever owns rows, and what they decided."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime

# Without accounts, every request acts as this one.
LOCAL_USER_ID = 1


class User(Base):
    """A person. Until accounts come there is one, the local user."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The number of the newest row of `changes`; counted here, so that numbers come in the order of commits.
    last_change: Mapped[int] = mapped_column(BigId, default=0, server_default=text("0"))
    # How many of their messages' documents of search were ever taken away or replaced, on PostgreSQL.
    documents_removed: Mapped[int] = mapped_column(BigId, default=0, server_default=text("0"))


class Change(Base):
    """One act on one thing of a user's: `payload` is the JSON that `GET /chat/events` sends."""

    __tablename__ = "changes"
    __table_args__ = ({"sqlite_with_rowid": False},)

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class UserSettings(Base):
    """What a user decided; a user without a row has decided nothing."""

    __tablename__ = "user_settings"

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    preferences: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    default_config: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    default_model_id: Mapped[str | None] = mapped_column(String(255))
    auto_save: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    theme: Mapped[str] = mapped_column(String(20), default="system", server_default="system")
    language: Mapped[str] = mapped_column(String(20), default="auto", server_default="auto")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC", server_default="UTC")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
