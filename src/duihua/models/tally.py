"""Tallies: how much was said when, counted as it is said."""

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from duihua.db.base import Base, BigId


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
