"""Copies everything from one database into another, empty one: how a SQLite file becomes PostgreSQL.

Rows keep their ids, and columns that this program does not know come along as text. The source is only read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import URL, Column, Connection, MetaData, Table, Text, func, insert, inspect, select, text

from duihua.db.at_rest import MigrationError, named, parse, transact
from duihua.db.migrate import is_current, upgrade
from duihua.db.session import Session, run

_ROWS_AT_ONCE = 1000
_POSTGRES = "postgresql+asyncpg"
# What a new schema already holds: one row each, which the source's rows replace.
_SEEDED = ("users", "chat_groups")
Told = Callable[[str, int], None]


class Derived(NamedTuple):
    """Tables that are made from others, each database's in its own way, and what makes them anew."""

    tables: Collection[str]
    make: Callable[[Session], None]


class NotEmpty(MigrationError):
    """There is something in the target already; nothing was changed."""


def copy(source: str, target: str, tables: MetaData, derived: Derived, told: Told) -> Mapping[str, int]:
    """Copy all rows of `tables` but the derived; how many of each. `told(table, rows)` hears of them.

    The target's schema is made first, where it has none; then all rows in one transaction. Nobody else may
    write to the source meanwhile.

    Raises:
        ValueError: one of the URLs is not of a database, or both are of PostgreSQL (pg_dump does that).
        NotEmpty, MigrationError: nothing was copied.
    """
    origin, destination = parse(source), parse(target)
    if origin.drivername == destination.drivername == _POSTGRES:
        raise ValueError("from PostgreSQL to PostgreSQL, pg_dump and pg_restore are the way")
    if not is_current(source):
        raise MigrationError("The source is not at this program's revision: run `duihua migrate` first.")
    upgrade(target)
    with named(destination):
        return transact(origin, partial(_between, destination, tables, derived, told))


def _between(
    target: URL, tables: MetaData, derived: Derived, told: Told, source: Connection
) -> Mapping[str, int]:
    return transact(target, lambda into: _copy(source, into, tables, derived, told), writing=True)


def _copy(
    source: Connection, target: Connection, tables: MetaData, derived: Derived, told: Told
) -> Mapping[str, int]:
    # Whoever is referred to comes first.
    order = inspect(target).get_sorted_table_and_fkc_names()
    wanted = tables.tables.keys() - set(derived.tables)
    names = [name for name, _ in order if name is not None and name in wanted]
    _empty(target, names)
    counts = {}
    for name in names:
        table = _widened(source, target, tables.tables[name])
        counts[name] = 0
        for rows in _rows(source, table):
            target.execute(insert(table), rows)
            counts[name] += len(rows)
            told(name, len(rows))
        _continue_ids(target, table)
        _check(target, table, counts[name])
    run(target, derived.make)
    return counts


def _empty(target: Connection, names: list[str]) -> None:
    for name in reversed(names):
        held = target.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
        if held > (1 if name in _SEEDED else 0):
            raise NotEmpty(f"The target already holds {held} rows of {name}. Name an empty database.")
        target.execute(text(f"DELETE FROM {name}"))


def _widened(source: Connection, target: Connection, table: Table) -> Table:
    """The table with the columns that only the source has, which the target is given, too."""
    known = {column["name"] for column in inspect(target).get_columns(table.name)}
    copied = table.to_metadata(MetaData())
    for column in inspect(source).get_columns(table.name):
        if column["name"] not in known:
            quoted = target.dialect.identifier_preparer.quote(column["name"])
            target.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {quoted} text"))
            copied.append_column(Column(column["name"], Text))
    return copied


def _rows(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    found = source.execute(
        select(table).order_by(*table.primary_key), execution_options={"yield_per": _ROWS_AT_ONCE}
    )
    for rows in found.mappings().partitions():
        yield [dict(row) for row in rows]


def _continue_ids(target: Connection, table: Table) -> None:
    """The next row is numbered beyond these; SQLite sees to it by itself."""
    if target.dialect.name == "postgresql" and "id" in table.c:
        newest = select(func.max(table.c.id)).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, "id")
        target.execute(select(func.setval(sequence, newest)).where(newest.is_not(None)))


def _check(target: Connection, table: Table, copied: int) -> None:
    stored = target.execute(select(func.count()).select_from(table)).scalar_one()
    if stored != copied:
        raise MigrationError(f"{stored} of {copied} rows of {table.name} arrived; nothing was copied.")
