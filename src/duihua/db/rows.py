"""Rows that are locked, and rows written one by one, where a flush of all would write more than is meant."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Insert, Select, Table, Update, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from duihua.db.base import Base, table_of
from duihua.db.telling import ask, tell

Row = TypeVar("Row", bound=Base)
_AT_ONCE = 500


def locked(statement: Select[Row]) -> Select[Row]:
    """The same rows, kept from other writers until the transaction ends.

    They are read anew where the unit of work has them already: what it knew from before the lock may be
    somebody's past, and a value that is set to what it was then would not be written.
    """
    return statement.with_for_update().execution_options(populate_existing=True)


def untracked(kind: type[Row], /, **values: Any) -> Row:
    """A row with these values, new or read, that no session knows: for `insert_now` and `update_now`.

    What its constructor does for every value, for a session's sake, costs as much as the insertion.
    """
    row: Row = kind.__mapper__.class_manager.new_instance()
    row.__dict__.update(values)
    return row


def insert_now(session: Session, row: Base) -> None:
    """Insert `row` at once and give it its `id`; the session does not track it afterwards.

    A third of the cost of `session.add` and a flush, and nothing else that is pending is written yet.
    """
    table = table_of(type(row))
    given = row.__dict__
    values = {name: given[name] for name in table.c.keys() if name in given}  # noqa: SIM118 - no dictionary
    row.id = ask(session.connection(), _insert_into(table), values)  # type: ignore[attr-defined]  # every table written so has one


@cache
def _insert_into(table: Table) -> Insert:
    return insert(table).returning(table.c.id)


def insert_all(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert these rows, some at a time."""
    for start in range(0, len(rows), _AT_ONCE):
        session.connection().execute(insert(table), rows[start : start + _AT_ONCE])


def update_now(session: Session, row: Base, columns: tuple[str, ...]) -> None:
    """Write these columns of a stored, `untracked` row at once. A quarter of the cost of a flush."""
    table = table_of(type(row))
    values = {name: getattr(row, name) for name in columns}
    tell(session.connection(), _update_of(table, columns), [{"row_id": row.id, **values}])  # type: ignore[attr-defined]  # every table written so has one


@cache
def _update_of(table: Table, columns: tuple[str, ...]) -> Update:
    values = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


def reserve_ids(session: Session, table: type[Base], count: int) -> list[int]:
    """So many new ids of a table in ascending order, for rows that name each other unwritten."""
    if count == 0:
        return []
    name = table.__tablename__
    if session.get_bind().dialect.name == "sqlite":
        # The one writer is in its transaction: nobody else can take them.
        first = (session.scalar(select(func.max(table.__table__.c.id))) or 0) + 1
        return list(range(first, first + count))
    sequence = func.nextval(func.pg_get_serial_sequence(name, "id"))
    return sorted(session.scalars(select(sequence).select_from(func.generate_series(1, count).alias("n"))))
