"""Pages of a list: by number, or from a cursor on."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Select

from duihua.core.pagination import PageWanted
from duihua.db.session import Session

T = TypeVar("T")


def read_page(
    session: Session, statement: Select[T], query: PageWanted, beyond: Callable[[str], ColumnElement[bool]]
) -> tuple[Sequence[T], bool]:
    """The rows of one page of `statement`, which is ordered, and whether there are more.

    `beyond` says which rows come after a cursor; what it raises is raised here.
    """
    if query.cursor is not None:
        statement = statement.where(beyond(query.cursor))
    else:
        statement = statement.offset((query.page_num - 1) * query.page_size)
    rows = session.scalars(statement.limit(query.page_size + 1)).all()
    return rows[: query.page_size], len(rows) > query.page_size
