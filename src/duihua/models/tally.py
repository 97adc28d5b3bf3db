"""Tallies: how much was said when, counted as it is said; and what models did on days that are over."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId
from duihua.db.types import UtcDateTime


class Tally(Base):
    """What one user has of one kind, group and model in one quarter-hour or month of UTC.

    `start` counts quarter-hours or months since the year 1. Derived from conversations and messages, and kept
    by `duihua.changes` in the transaction of each act; what is deleted is not in it.
    """

    __tablename__ = "tallies"
    __table_args__ = (
        # Of what is gone no row stays; these are found without looking at all others.
        Index(
            "ix_tallies_empty",
            "user_id",
            sqlite_where=text("number = 0"),
            postgresql_where=text("number = 0"),
        ),
        {"sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    span: Mapped[str] = mapped_column(String(10), primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    group_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # `conversation`, or the role of the messages.
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    # Of assistants' messages; elsewhere, and where it is not known, empty.
    model_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    characters: Mapped[int] = mapped_column(BigInteger)


class UsageTally(Base):
    """What one model did for one user by one connection on one day of UTC, which is over.

    Derived from generations, and made later by `duihua.statistics.rolling`. A day of a user is counted
    whole or not at all; that it is says its row of connection `COUNTED`, in which everything is zero.
    """

    __tablename__ = "usage_tallies"
    __table_args__ = ({"sqlite_with_rowid": False},)

    COUNTED = -1

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    # Since the year 1.
    day: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # 0: the operator's connection, or the offline model.
    connection_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    errors: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    # Complete replies, and their milliseconds.
    completed: Mapped[int] = mapped_column(BigInteger)
    latency_ms: Mapped[int] = mapped_column(BigInteger)
    # Replies of which something came, and the milliseconds until it did.
    begun: Mapped[int] = mapped_column(BigInteger)
    first_token_ms: Mapped[int] = mapped_column(BigInteger)
    # Complete replies whose tokens were counted: these, and the milliseconds from the first to the last.
    written_tokens: Mapped[int] = mapped_column(BigInteger)
    writing_ms: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
