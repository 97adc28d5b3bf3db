"""Idempotency keys: the first answer to a POST, kept for its retries."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime


class IdempotencyKey(Base):
    """One key of one user. The row is written in the transaction of the effect it stands for."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    # SHA-256 of method, path and body: the same key with another request is a mistake.
    fingerprint: Mapped[str] = mapped_column(String(64))
    # The JSON of the answer's `data`, or of what the route needs to give the same answer again.
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
