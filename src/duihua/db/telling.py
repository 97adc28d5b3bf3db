"""Statements as a driver takes them: what SQLAlchemy does around each costs several times a small statement.

For what is asked and written with every question, reply and token. SQLite's driver is told these itself;
PostgreSQL's, for which the way there and back counts, through SQLAlchemy (but see `held_connection`).
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Insert, Select, TextClause, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Statement = Insert | Update | Select[Any] | TextClause
Row = Mapping[str, Any]


# A name, and what turns its value into what the other side takes.
_Place = tuple[str, Callable[[Any], Any] | None]


class Prepared(NamedTuple):
    """A compiled statement: its text, what makes a value of each place, and of each that it answers."""

    sql: str
    places: Sequence[_Place]
    constants: Row
    answers: Sequence[_Place]

    def values(self, row: Row) -> list[Any]:
        """The values of `row`, place by place."""
        known = {**self.constants, **row}
        return [make(known[name]) if make else known[name] for name, make in self.places]

    def read(self, found: Sequence[Any]) -> dict[str, Any]:
        """The values that were found, by their names."""
        places = zip(self.answers, found, strict=True)
        return {name: make(value) if make else value for (name, make), value in places}


# Bounded: a process that opens database after database, as tests do, would keep the dialect of each for good.
@lru_cache(maxsize=256)
def prepared(statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> Prepared:
    """`statement` for rows of these names; it must be one that is built once, and hold no lists."""
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler)
    assert not compiled.post_compile_params
    makers = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()
    }
    defaults = {column.key: getattr(column.default, "arg", None) for column in compiled.insert_prefetch}
    places = [(name, makers[name]) for name in compiled.positiontup or ()]
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    answers: list[_Place] = [
        (str(column.key), column.type.dialect_impl(dialect).result_processor(dialect, None))
        for column in columns
    ]
    return Prepared(str(compiled), places, {**compiled.params, **defaults}, answers)


def tell(connection: Connection, statement: Statement, rows: Sequence[Row]) -> int:
    """Run a statement that answers nothing for each of `rows`, which have the same names; how many it wrote.

    Of several rows PostgreSQL does not say.

    Raises:
        sqlalchemy.exc.DBAPIError, IntegrityError among them: as SQLAlchemy does.
    """
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, rows if len(rows) > 1 else rows[0]).rowcount
    known = prepared(statement, connection.dialect, tuple(rows[0]))
    written: int = _driver(connection, "executemany", known.sql, list(map(known.values, rows))).rowcount
    return written


def ask(connection: Connection, statement: Statement, row: Row) -> Any:
    """The one number or text that a statement answers (RETURNING); raises as `tell`."""
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, row).scalar_one()
    known = prepared(statement, connection.dialect, tuple(row))
    ((answer,),) = _driver(connection, "execute", known.sql, known.values(row))
    return answer


def look(connection: Connection, statement: Select[Any], row: Row) -> list[dict[str, Any]]:
    """The rows that a statement finds, by the names of their columns; raises as `tell`."""
    if connection.dialect.name != "sqlite":
        return list(map(dict, connection.execute(statement, row).mappings()))
    known = prepared(statement, connection.dialect, tuple(row))
    found = _driver(connection, "execute", known.sql, known.values(row)).fetchall()
    return list(map(known.read, found))


def _driver(connection: Connection, way: str, sql: str, values: Sequence[Any]) -> Any:
    try:
        return getattr(connection.connection.dbapi_connection, way)(sql, values)
    except sqlite3.Error as error:
        raise DBAPIError.instance(
            sql, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
