"""Runs the revisions for `duihua.db.migrate`, which brings the connection and owns its transaction."""

import re
from collections.abc import Mapping
from io import StringIO

from alembic import context
from chat_models_0001.tables import METADATA
from sqlalchemy import Connection, inspect

from duihua.db.migrate import MigrationError

_HEADER = """\
-- The whole schema, for an empty {name} database{how}.
-- Over existing data use `python run_migration.py`, which upgrades it in place.
-- Rendered from the revisions beside this file. Do not edit it, render it again:
--   python run_migration.py --sql {dialect}{where}

"""


# Longer than any request; an old server that holds a table for longer has to be stopped.
_TABLE_WAIT_SECONDS = 30


def upgrade(connection: Connection) -> dict[str, int]:
    """Run the revisions and see that no row went missing; how many rows each table had before."""
    tables = sorted(METADATA.tables.keys() & set(inspect(connection).get_table_names()))
    if connection.dialect.name == "postgresql" and tables:
        # Whoever still writes to them is waited for now, rather than half way.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_TABLE_WAIT_SECONDS}s'")
        connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
    rows = {table: _count(connection, table) for table in tables}
    context.configure(connection=connection, transactional_ddl=True, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    for table, before in rows.items():
        if _count(connection, table) < before:
            raise MigrationError(f"rows of {table} would be lost; nothing was changed. Please report this.")
    if connection.dialect.name == "sqlite":
        _check_references(connection)
    return rows


def _count(connection: Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def _check_references(connection: Connection) -> None:
    """What PostgreSQL did when the references were made. Tables that are not ours may break theirs."""
    for table in METADATA.tables:
        broken = connection.exec_driver_sql(f"PRAGMA foreign_key_check({table})").first()
        if broken is not None:
            raise MigrationError(
                f"{table} would refer to nothing ({broken}); nothing was changed. Please report this."
            )


def render(dialect: str, output: StringIO) -> None:
    """Write the revisions as SQL, with what the tables and columns are for."""
    plain = StringIO()
    context.configure(dialect_name=dialect, literal_binds=True, transactional_ddl=True, output_buffer=plain)
    with context.begin_transaction():
        context.run_migrations()
    postgres = dialect == "postgresql"
    how = " and `psql -v ON_ERROR_STOP=1 -f add_chat_models.sql`" if postgres else ""
    where = " > migrations/add_chat_models.sql" if postgres else ""
    comments = {table.name: table.comment for table in METADATA.sorted_tables} | {
        f"{table.name}.{column.name}": column.comment
        for table in METADATA.sorted_tables
        for column in table.columns
    }
    output.write(
        _HEADER.format(
            name={"sqlite": "SQLite", "postgresql": "PostgreSQL"}[dialect],
            dialect=dialect,
            how=how,
            where=where,
        )
    )
    output.write(_commented(plain.getvalue(), comments))


def _commented(sql: str, comments: Mapping[str, str | None]) -> str:
    lines, table = [], ""
    for line in sql.strip().splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        opening = re.match(r"CREATE TABLE (\w+) \(", line)
        table = opening[1] if opening else table
        subject = f"{table}.{line.split()[0]}" if indent else opening and table
        if comment := comments.get(subject or ""):
            lines.append(f"{indent}-- {comment}")
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


attributes = context.config.attributes
if context.is_offline_mode():
    render(attributes["dialect"], attributes["output"])
else:
    attributes["rows"] = upgrade(attributes["connection"])
