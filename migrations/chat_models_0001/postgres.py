"""Older PostgreSQL tables into new ones, in place: grants, views, triggers and references to them stay."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateIndex

from chat_models_0001.casts import NEW_UUID, POSTGRES_FUNCTIONS
from chat_models_0001.older import OldColumn
from chat_models_0001.values import expressions, repeated_uuids

_OF_TABLE = "to_regclass(quote_ident(:table))"


def take_over(connection: sa.Connection, older: Mapping[sa.Table, Mapping[str, OldColumn]]) -> list[str]:
    """Give the tables of these names their new columns; to be followed by `constrain`, then by the answer.

    Columns that the new tables do not have are kept with all that hangs on them.
    """
    connection.exec_driver_sql("SET LOCAL timezone = 'UTC'")
    for function in POSTGRES_FUNCTIONS:
        connection.exec_driver_sql(function)
    # All of them first: a reference would not let the other end change its type.
    afterwards = [statement for table in older for statement in _strip(connection, table)]
    for table, old in older.items():
        _reshape(connection, table, old)
    return [*afterwards, *(f"ANALYZE {table.name}" for table in older)]


def constrain(connection: sa.Connection, table: sa.Table) -> None:
    """Add the constraints and indexes of `table`; every row must keep them by now."""
    for constraint in table.constraints - {table.primary_key}:
        connection.execute(AddConstraint(constraint, isolate_from_table=False))
    for index in table.indexes:
        connection.execute(CreateIndex(index))


def next_ids(table: str) -> str:
    """SQL that lets new ids begin after every id there is."""
    newest = f"SELECT coalesce(max(id), 0) + 1 FROM {table}"
    unused = f"SELECT last_value + CAST(is_called AS INTEGER) FROM {table}_id_seq"
    return f"SELECT setval('{table}_id_seq', greatest(({newest}), ({unused})), false)"


def _strip(connection: sa.Connection, table: sa.Table) -> list[str]:
    """Drop what bound the known columns and silence the triggers; the answer lets these speak again."""
    known = {"table": table.name, "known": list(table.c.keys())}
    constraints = connection.execute(
        sa.text(
            "SELECT conname FROM pg_constraint "
            f"WHERE conrelid = {_OF_TABLE} AND contype IN ('u', 'f', 'c', 'x') "
            "AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey) "
            "AND attname <> ALL (CAST(:known AS text[])))"
        ),
        known,
    )
    _alter(connection, table, (f"DROP CONSTRAINT {_quote(name)}" for name in constraints.scalars()))
    indexes = connection.execute(
        sa.text(
            f"SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = {_OF_TABLE} "
            "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) "
            "AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey) "
            "AND attname <> ALL (CAST(:known AS text[])))"
        ),
        known,
    )
    for name in indexes.scalars().all():
        connection.exec_driver_sql(f"DROP INDEX {name}")
    triggers = connection.execute(
        sa.text(
            "SELECT tgname FROM pg_trigger "
            f"WHERE tgrelid = {_OF_TABLE} AND NOT tgisinternal AND tgenabled = 'O'"
        ),
        known,
    )
    names = [_quote(name) for name in triggers.scalars()]
    _alter(connection, table, (f"DISABLE TRIGGER {name}" for name in names))
    return [f"ALTER TABLE {table.name} ENABLE TRIGGER {name}" for name in names]


def _reshape(connection: sa.Connection, table: sa.Table, old: Mapping[str, OldColumn]) -> None:
    """Give the stripped table the columns of `table` and its rows their values, in one rewrite."""
    types = {column.name: column.type.compile(connection.dialect) for column in table.columns}
    _alter(
        connection, table, (f'ADD COLUMN "{name}" {kind}' for name, kind in types.items() if name not in old)
    )
    _own_sequence(connection, table.name)
    _name_primary_key(connection, table)
    values = expressions("postgresql", table, old)
    changes = []
    for column in table.columns:
        change = f'ALTER COLUMN "{column.name}"'
        if not column.primary_key:
            changes.append(f"{change} DROP DEFAULT")
            if isinstance(column.server_default, sa.DefaultClause):
                changes.append(f"{change} SET DEFAULT {_default(column.server_default)}")
        value = f"CAST({values[column.name]} AS {types[column.name]})"
        changes.append(f"{change} TYPE {types[column.name]} USING {value}")
        changes.append(f"{change} {'DROP' if column.nullable else 'SET'} NOT NULL")
    # The program writes rows without the columns it does not know, so they may not insist on a value.
    unknown = (
        name for name in old.keys() - table.c.keys() if old[name].not_null and old[name].default is None
    )
    changes += [f"ALTER COLUMN {_quote(name)} DROP NOT NULL" for name in unknown]
    _alter(connection, table, changes)
    if "uuid" in table.c:
        connection.exec_driver_sql(
            f"UPDATE {table.name} SET uuid = {NEW_UUID['postgresql']} "
            f"WHERE id IN ({repeated_uuids(table.name, old)})"
        )


def _own_sequence(connection: sa.Connection, table: str) -> None:
    # Whatever gave out ids: serial, identity, a default of another name, or nothing.
    connection.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN id DROP IDENTITY IF EXISTS")
    connection.exec_driver_sql(f"CREATE SEQUENCE IF NOT EXISTS {table}_id_seq")
    connection.exec_driver_sql(f"ALTER SEQUENCE {table}_id_seq AS BIGINT NO MAXVALUE OWNED BY {table}.id")
    connection.exec_driver_sql(
        f"ALTER TABLE {table} ALTER COLUMN id SET DEFAULT nextval('{table}_id_seq'::regclass)"
    )


def _name_primary_key(connection: sa.Connection, table: sa.Table) -> None:
    found = connection.execute(
        sa.text(f"SELECT conname FROM pg_constraint WHERE conrelid = {_OF_TABLE} AND contype = 'p'"),
        {"table": table.name},
    ).scalar()
    if found is None:
        connection.execute(AddConstraint(table.primary_key, isolate_from_table=False))
    elif found != f"pk_{table.name}":
        # Renamed, not made again: tables that nobody told us of may refer to it.
        _alter(connection, table, [f"RENAME CONSTRAINT {_quote(found)} TO pk_{table.name}"])


def _default(default: sa.DefaultClause) -> str:
    return f"'{default.arg}'" if isinstance(default.arg, str) else str(default.arg)


def _alter(connection: sa.Connection, table: sa.Table, changes: Iterable[str]) -> None:
    if joined := ", ".join(changes):
        connection.exec_driver_sql(f"ALTER TABLE {table.name} {joined}")


def _quote(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
