"""Imports that go on without their request."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.clock import FromNow
from duihua.db.types import UtcDateTime
from duihua.models.generation import LEASE


class ImportTask(Base):
    """One import. `owner` names the process that works on it, as long as it renews `lease_expires_at`.

    `seq` is the number of its newest event, which is made from the other columns; `state` leaves `running`
    exactly once.
    """

    __tablename__ = "import_tasks"
    __table_args__ = (Index("ix_import_tasks_state", "state", "lease_expires_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    owner: Mapped[str] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(20))
    # Somebody wants it to end; its process looks with each beat.
    is_cancelled: Mapped[bool] = mapped_column(Boolean, default=False)
    seq: Mapped[int] = mapped_column(Integer)
    # Bytes of the file.
    done: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    imported: Mapped[int] = mapped_column(Integer)
    skipped: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    # The JSON of the report, of an import that came to its end.
    report: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(String(50))
    error_values: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    lease_expires_at: Mapped[datetime] = mapped_column(UtcDateTime, default=FromNow(LEASE))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
