"""What lists are filtered by, the same on both databases."""

from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, func, text

from duihua.core.text import fold
from duihua.db.session import Session


class Period(Protocol):
    """From one moment to another, both included; None where it is open."""

    begin_time: datetime | None
    end_time: datetime | None


def within(column: Any, period: Period) -> list[ColumnElement[bool]]:
    """That the moment in `column` lies in this period."""
    begin = [] if period.begin_time is None else [column >= period.begin_time]
    return begin + ([] if period.end_time is None else [column <= period.end_time])


def contains(session: Session, column: Any, keyword: str) -> ColumnElement[bool]:
    """Whether `column` holds `keyword`, whatever the case and width of either."""
    wanted = fold(keyword) or ""
    if session.get_bind().dialect.name == "sqlite":
        return func.fold(column).contains(wanted, autoescape=True)
    lowered = func.lower(func.normalize(column, text("NFKC")))
    # Where folding and lower case differ in words that people write: German and Greek.
    folded = func.replace(func.replace(lowered, "ß", "ss"), "ς", "σ")
    return folded.contains(wanted, autoescape=True)
