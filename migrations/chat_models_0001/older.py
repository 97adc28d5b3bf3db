"""The older deployment's tables: how to know them, and what their columns were declared as."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, inspect, text

from chat_models_0001.tables import METADATA

# Without these a table is not the older deployment's; every other column may be missing.
_REQUIRED = {
    "api_keys": {"id", "api_key"},
    "prompts": {"id", "title", "content"},
    "chat_groups": {"id", "name"},
    "conversations": {"id", "uuid", "title"},
    "messages": {"id", "uuid", "conversation_id", "role", "content"},
}
# It had no owners, trees or runs: where one of these is, the table is somebody else's.
_STRUCTURE = {"user_id", "parent_id", "depth", "on_branch", "active_leaf_id", "state"}
_IDS = {"id", "conversation_id", "group_id", "api_key_id", "prompt_id"}
OLDER_TABLES = tuple(_REQUIRED)


class OldColumn(NamedTuple):
    """A column as it was declared; `kind` is PostgreSQL's name of the type, or SQLite's affinity."""

    kind: str
    declared: str
    default: str | None
    not_null: bool


def refusal(connection: Connection) -> str | None:
    """Why the tables of our names are neither absent nor the older deployment's; None where they are."""
    inspector = inspect(connection)
    names = METADATA.tables.keys()
    if views := sorted(names & set(inspector.get_view_names())):
        return f"{', '.join(views)}: a view where a table is expected"
    found = names & set(inspector.get_table_names())
    if newer := sorted(found - _REQUIRED.keys()):
        return f"a table of a newer schema without a recorded revision: {', '.join(newer)}"
    problems = (_problem(name, columns(connection, name)) for name in sorted(found))
    return "; ".join(problem for problem in problems if problem) or None


def _problem(table: str, found: Mapping[str, OldColumn]) -> str:
    if missing := sorted(_REQUIRED[table] - found.keys()):
        return f"table {table} has no column {', '.join(missing)}"
    if foreign := sorted(_STRUCTURE & found.keys()):
        return f"table {table} has a column that no older version had: {', '.join(foreign)}"
    wrong = [name for name in sorted(_IDS & found.keys()) if found[name].kind != "integer"]
    return f"table {table} has {', '.join(wrong)} of another type than integer" if wrong else ""


def columns(connection: Connection, table: str) -> dict[str, OldColumn]:
    """The columns of one table, in order."""
    return (_sqlite_columns if connection.dialect.name == "sqlite" else _postgres_columns)(connection, table)


def _sqlite_columns(connection: Connection, table: str) -> dict[str, OldColumn]:
    rows = connection.exec_driver_sql(f'PRAGMA table_xinfo("{table}")')
    return {
        name: OldColumn(_affinity(declared), declared, default, bool(not_null))
        for _, name, declared, not_null, default, _, _ in rows
    }


def _affinity(declared: str) -> str:
    # As https://www.sqlite.org/datatype3.html §3.1 has it, as far as an id needs to know.
    words = declared.upper()
    return "text" if any(word in words for word in ("CHAR", "TEXT", "CLOB", "BLOB", "UUID")) else "integer"


def _postgres_columns(connection: Connection, table: str) -> dict[str, OldColumn]:
    rows = connection.execute(
        text(
            "SELECT a.attname, CASE WHEN t.typcategory = 'A' THEN 'array' "
            "WHEN t.typname IN ('int2', 'int4', 'int8') THEN 'integer' ELSE t.typname END, "
            "format_type(a.atttypid, a.atttypmod), "
            "coalesce(pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity::text, '')), a.attnotnull "
            "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
            "WHERE a.attrelid = to_regclass(quote_ident(:table)) AND a.attnum > 0 AND NOT a.attisdropped "
            "ORDER BY a.attnum"
        ),
        {"table": table},
    )
    return {
        name: OldColumn(kind, declared, default, needed) for name, kind, declared, default, needed in rows
    }
