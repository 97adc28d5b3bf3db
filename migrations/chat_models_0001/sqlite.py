"""Older SQLite tables into new ones: each is renamed, copied by one statement into its successor, dropped."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import UserDefinedType

from chat_models_0001.casts import NEW_UUID
from chat_models_0001.older import OldColumn
from chat_models_0001.tables import METADATA
from chat_models_0001.values import expressions, repeated_uuids


class _Declared(UserDefinedType[object]):
    """A type as an unknown column declares it."""

    cache_ok = True

    def __init__(self, declared: str) -> None:
        self.declared = declared

    def get_col_spec(self, **_: object) -> str:
        return self.declared


Older = Mapping[sa.Table, Mapping[str, OldColumn]]


def take_over(connection: sa.Connection, older: Older) -> list[str]:
    """Replace the tables of these names; the answer is to be executed when their rows are complete.

    Foreign keys must be off. Columns that the new tables do not have are kept with their defaults and
    indexes, and so are triggers (the answer makes both again); such columns' checks and references are not.
    """
    # Enough for the index of a million uuids, which come in no order.
    connection.exec_driver_sql("PRAGMA cache_size = -131072")
    return [statement for table, old in older.items() for statement in _rebuild(connection, table, old)]


def constrain(connection: sa.Connection, table: sa.Table) -> None:
    """Add the indexes of `table`; its constraints came with it."""
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        connection.execute(CreateIndex(index))


def _rebuild(connection: sa.Connection, table: sa.Table, old: Mapping[str, OldColumn]) -> list[str]:
    unknown = {name: column for name, column in old.items() if name not in table.c}
    afterwards = [*_indexes_over(connection, table.name, unknown), *_triggers(connection, table.name)]
    older = f"duihua_older_{table.name}"
    # In legacy mode a rename leaves views, triggers and foreign keys pointing at the name, not at the table.
    connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    connection.exec_driver_sql(f"ALTER TABLE {table.name} RENAME TO {older}")
    connection.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    connection.execute(CreateTable(_with_columns(table, unknown)))

    quote = connection.dialect.identifier_preparer.quote_identifier
    values = expressions("sqlite", table, old) | {name: quote(name) for name in unknown}
    if "uuid" in values:
        repeated = repeated_uuids(older, old)
        values["uuid"] = f"CASE WHEN id IN ({repeated}) THEN {NEW_UUID['sqlite']} ELSE {values['uuid']} END"
    names, row = ", ".join(map(quote, values)), ", ".join(values.values())
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) SELECT {row} FROM {older}")
    connection.exec_driver_sql(f"DROP TABLE {older}")
    return afterwards


def _with_columns(table: sa.Table, unknown: Mapping[str, OldColumn]) -> sa.Table:
    metadata = sa.MetaData(naming_convention=METADATA.naming_convention)
    for each in METADATA.sorted_tables:
        each.to_metadata(metadata)
    copy = metadata.tables[table.name]
    for name, column in unknown.items():
        # The program writes rows without it, so it may not insist on a value.
        insists = column.not_null and column.default is not None
        copy.append_column(
            sa.Column(
                name,
                _Declared(column.declared),
                server_default=_default(column.default),
                nullable=not insists,
            )
        )
    return copy


def _default(written: str | None) -> sa.TextClause | None:
    if written is None:
        return None
    # The pragma shows `DEFAULT (expression)` without its brackets; in double quotes it may be a text.
    bracketed = written if written.startswith('"') else f"({written})"
    return sa.text(bracketed.replace(":", "\\:"))


def _indexes_over(connection: sa.Connection, table: str, unknown: Mapping[str, OldColumn]) -> list[str]:
    indexes = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        (table,),
    ).all()
    kept = []
    for name, statement in indexes:
        columns = connection.exec_driver_sql("SELECT name FROM pragma_index_info(?)", (name,)).scalars()
        if not unknown.keys().isdisjoint(columns):
            kept.append(statement)
    return kept


def _triggers(connection: sa.Connection, table: str) -> list[str]:
    triggers = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
    )
    return list(triggers.scalars())
