"""Generations: runs of a model, and the journal of what they produced."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.clock import FromNow
from duihua.db.types import UtcDateTime

# How long a run belongs to a process that says nothing.
LEASE = timedelta(seconds=10)


class Generation(Base):
    """One run. `uuid` is the task id of the wire; `owner` names the process that may write to it.

    The owner renews `lease_expires_at`, by the database's clock; once it has passed, recovery takes the run
    over. `state` is a `MessageState` and leaves `streaming` exactly once.
    """

    __tablename__ = "generations"
    __table_args__ = (
        Index("ix_generations_user_id_created", "user_id", "created_at"),
        Index("ix_generations_state", "state", "lease_expires_at"),
        Index("ix_generations_finished", "finished_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    conversation_id: Mapped[int] = mapped_column(BigId, ForeignKey("conversations.id"), index=True)
    user_message_id: Mapped[int] = mapped_column(BigId, ForeignKey("messages.id"), index=True)
    message_id: Mapped[int] = mapped_column(BigId, ForeignKey("messages.id"), index=True)
    model_id: Mapped[str] = mapped_column(String(255))
    provider: Mapped[str] = mapped_column(String(255))
    # None where the operator's connection or the offline model answered.
    connection_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("api_keys.id"))
    language: Mapped[str] = mapped_column(String(5))
    state: Mapped[str] = mapped_column(String(20))
    error: Mapped[str | None] = mapped_column(String(50))
    error_values: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    finish_reason: Mapped[str | None] = mapped_column(String(50))
    prompt_tokens: Mapped[int | None] = mapped_column(Integer)
    completion_tokens: Mapped[int | None] = mapped_column(Integer)
    owner: Mapped[str] = mapped_column(String(36))
    lease_expires_at: Mapped[datetime] = mapped_column(UtcDateTime, default=FromNow(LEASE))
    cancel_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Milliseconds from `created_at`, to be summed: of moments that takes ten times as long.
    first_token_ms: Mapped[int | None] = mapped_column(Integer)
    total_ms: Mapped[int | None] = mapped_column(Integer)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GenerationEvent(Base):
    """The journal: `payload` is the JSON of one event as the wire sends it; `seq` counts from 1 without gaps.

    The primary key is also the fence: two writers of one run cannot both write event n.
    """

    __tablename__ = "generation_events"
    __table_args__ = ({"sqlite_with_rowid": False},)

    generation_id: Mapped[int] = mapped_column(BigId, ForeignKey("generations.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    payload: Mapped[str] = mapped_column(Text)
