"""Rows written one by one, where a flush of the whole session would write more than is meant."""

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from duihua.db.base import Base


def insert_now(session: Session, row: Base) -> None:
    """Insert `row` at once and give it its `id`; the session does not track it afterwards.

    A third of the cost of `session.add` and a flush, and nothing else that is pending is written yet.
    """
    table = row.__table__
    assert isinstance(table, Table)
    given = row.__dict__
    values = {column.key: given[column.key] for column in table.columns if column.key in given}
    result = session.execute(insert(table), values)
    row.id = result.inserted_primary_key[0]  # type: ignore[attr-defined]  # every table that is written so has one
