"""Finding a text inside a column, the same on both databases."""

from typing import Any

from sqlalchemy import ColumnElement, func, text

from duihua.core.text import fold
from duihua.db.session import Session


def contains(session: Session, column: Any, keyword: str) -> ColumnElement[bool]:
    """Whether `column` holds `keyword`, whatever the case and width of either."""
    wanted = fold(keyword) or ""
    if session.get_bind().dialect.name == "sqlite":
        return func.fold(column).contains(wanted, autoescape=True)
    lowered = func.lower(func.normalize(column, text("NFKC")))
    # Where folding and lower case differ in words that people write: German and Greek.
    folded = func.replace(func.replace(lowered, "ß", "ss"), "ς", "σ")
    return folded.contains(wanted, autoescape=True)
