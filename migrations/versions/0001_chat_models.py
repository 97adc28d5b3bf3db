"""The chat models: on an empty database, and over every older deployment's tables.

Revises: nothing. All of it is one transaction, which `duihua.db.migrate` begins.
"""

from alembic import context, op
from chat_models_0001 import links, postgres, search, sqlite, tallies
from chat_models_0001.older import OLDER_TABLES, columns
from chat_models_0001.older import refusal as refusal
from chat_models_0001.tables import METADATA
from sqlalchemy import Connection, Table, inspect
from sqlalchemy.schema import CreateIndex, CreateTable

revision = "duihua_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = tuple(METADATA.tables)


def upgrade() -> None:
    """Make the tables, or make the older ones into them."""
    dialect = op.get_context().dialect.name
    found = [] if context.is_offline_mode() else _older_tables(op.get_bind())
    if found:
        _take_over(op.get_bind(), found)
        return
    for table in METADATA.sorted_tables:
        _create(table)
    for statement in (links.local_user(dialect), links.default_group(dialect), *search.beside(dialect)):
        op.execute(statement)
    if dialect == "postgresql":
        for name in ("users", "chat_groups"):
            op.execute(postgres.next_ids(name))


def downgrade() -> None:
    """There is no way back but the backup: the older tables had no place for what these hold."""
    raise NotImplementedError("restore the backup that was made before the upgrade")


def _older_tables(connection: Connection) -> list[Table]:
    names = set(inspect(connection).get_table_names()) & set(OLDER_TABLES)
    return [table for table in METADATA.sorted_tables if table.name in names]


def _create(table: Table) -> None:
    op.execute(CreateTable(table))
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        op.execute(CreateIndex(index))


def _take_over(connection: Connection, older: list[Table]) -> None:
    dialect = connection.dialect.name
    take_over = sqlite.take_over if dialect == "sqlite" else postgres.take_over
    afterwards = take_over(connection, {table: columns(connection, table.name) for table in older})
    for table in METADATA.sorted_tables:
        if table not in older:
            _create(table)
    op.execute(links.local_user(dialect))
    links.link(connection)
    constrain = sqlite.constrain if dialect == "sqlite" else postgres.constrain
    for table in older:
        constrain(connection, table)
    if dialect == "postgresql":
        for table in METADATA.sorted_tables:
            if table.c.get("id") is not None and table.c.id.autoincrement is not False:
                connection.exec_driver_sql(postgres.next_ids(table.name))
    tallies.count(connection)
    for statement in (*afterwards, *search.beside(dialect)):
        connection.exec_driver_sql(statement)
    search.index(connection)
