"""Schemas, taken apart into lines that can be compared."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from duihua.db.base import Base
from duihua.models.search import PARTITIONS
from tests.migrations.databases import Place

# Alembic's own table; FTS5's and PostgreSQL's partitions, which are made beside those of the models.
NOT_OF_MODELS = (
    *("alembic_version", "message_terms", "conversation_terms"),
    *(f"_documents_{number}" for number in range(PARTITIONS)),
)
_POSTGRES = """
SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attidentity, pg_get_expr(d.adbin, d.adrelid)) AS line
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
    AND NOT a.attisdropped
UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT concat_ws(' ', sequencename, data_type, min_value, max_value, increment_by)
FROM pg_sequences WHERE schemaname = 'public'
UNION ALL SELECT table_name || ' ' || pg_get_serial_sequence(table_name, 'id')
FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'id'
"""


def schema(place: Place) -> set[str]:
    """Every column, constraint, index and sequence, one line each, but those of Alembic's own table."""
    if place.dialect == "postgresql":
        # Without a sequence of its own, an id has no line.
        lines = set(place.column(_POSTGRES)) - {None}
    else:
        lines = set()
        for row in place.rows("SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
            for line in row["sql"].splitlines():
                lines.add(re.sub(r"\s+", " ", f"{row['tbl_name']}: {line.strip().rstrip(',')}").rstrip(" ,"))
    return {line for line in lines if "alembic_version" not in line and "sqlite_sequence" not in line}


def differences(place: Place) -> list[Any]:
    """What Alembic would change to get from the database to the models."""

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return [
            step
            for step in compare_metadata(context, Base.metadata)
            if not any(name in str(step) for name in NOT_OF_MODELS)
        ]

    return _connected(place, compare)


def create_all(place: Place) -> None:
    """The schema straight from the models, without a migration."""
    _connected(place, Base.metadata.create_all)


def _connected(place: Place, work: Callable[[Connection], Any]) -> Any:
    if place.dialect == "sqlite":
        engine = create_engine(place.url, poolclass=NullPool)
        with engine.begin() as connection:
            return work(connection)
    return asyncio.run(_connected_to_postgres(place.url, work))


async def _connected_to_postgres(url: str, work: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()
