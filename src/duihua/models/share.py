"""Conversations that everybody who has their address may read, as they were when they were shared."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime


class Share(Base):
    """One conversation's page. Who knows `token` may read it until `expires_at`; it is the only key."""

    __tablename__ = "shares"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(BigId, ForeignKey("conversations.id"), unique=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(255))
    # HTML that needs nothing but these pictures: the uuids of files that its messages had.
    page: Mapped[str] = mapped_column(Text)
    pictures: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
