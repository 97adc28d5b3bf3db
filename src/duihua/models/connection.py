"""Connections to model providers (the wire says `api-keys`)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime


class Connection(Base):
    """A provider's address and key; `api_key` is encrypted (`connections.keys`), `timeout` in seconds."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    api_key: Mapped[str | None] = mapped_column(Text)
    model_name: Mapped[str | None] = mapped_column(String(255))
    model_url: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), default="active", server_default="active")
    provider: Mapped[str | None] = mapped_column(String(50))
    config: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    max_tokens: Mapped[int | None] = mapped_column(Integer)
    timeout: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    models_listed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ConnectionModel(Base):
    """A model that a connection listed last; `place` in the provider's own order, lengths in tokens."""

    __tablename__ = "connection_models"
    __table_args__ = ({"sqlite_with_rowid": False},)

    connection_id: Mapped[int] = mapped_column(BigId, ForeignKey("api_keys.id"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    place: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    context_length: Mapped[int | None] = mapped_column(Integer)
    capabilities: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
