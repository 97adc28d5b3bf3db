"""Older values as SQL of the new types: numbers, flags, moments and JSON, however they were stored."""

from collections.abc import Mapping

import sqlalchemy as sa

from chat_models_0001.older import OldColumn

NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')", "postgresql": "now()"}
# Stands for "not known" until `links` finds a better moment: no chat was written in 1970.
UNKNOWN_MOMENT = {
    "sqlite": "'1970-01-01 00:00:00.000000'",
    "postgresql": "CAST('1970-01-01 00:00:00+00' AS TIMESTAMPTZ)",
}
NEW_UUID = {
    "sqlite": "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) "
    "|| '-4' || substr(hex(randomblob(2)), 2) "
    "|| '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) "
    "|| '-' || hex(randomblob(6)))",
    "postgresql": "CAST(gen_random_uuid() AS TEXT)",
}
# Casts that PostgreSQL 15 has only in a form that fails. They live as long as the connection.
POSTGRES_FUNCTIONS = (
    "CREATE OR REPLACE FUNCTION pg_temp.duihua_moment(value text) RETURNS timestamptz LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN CAST(value AS timestamptz); EXCEPTION WHEN data_exception THEN RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION pg_temp.duihua_json(value text) RETURNS json LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN CAST(nullif(btrim(value), '') AS json); "
    "EXCEPTION WHEN data_exception THEN RETURN to_json(value); END $$",
)
_JSON_SHAPE = {"tags": "array", "files": "array", "variables": "any"}
_INT32 = 2**31 - 1
_NUMBERS = {"integer", "numeric", "float4", "float8"}


def plain(dialect: str, column: sa.Column[object], old: Mapping[str, OldColumn]) -> str:
    """The older value by the type of its column alone; NULL where there is none."""
    name, kind = column.name, column.type
    if name not in old:
        return "NULL"
    value, was = f'"{name}"', old[name].kind
    if isinstance(kind, sa.JSON):
        answer = (_sqlite_json if dialect == "sqlite" else _postgres_json)(
            value, was, _JSON_SHAPE.get(name, "object")
        )
    elif isinstance(kind, sa.DateTime):
        answer = (_sqlite_moment if dialect == "sqlite" else _postgres_moment)(value, was)
    elif isinstance(kind, sa.Boolean):
        answer = f"lower(CAST({value} AS TEXT)) IN ('1', '1.0', 't', 'true', 'y', 'yes', 'on')"
    elif isinstance(kind, sa.BigInteger):
        answer = f"CAST({value} AS BIGINT)"
    elif isinstance(kind, sa.Integer):
        answer = (_sqlite_integer if dialect == "sqlite" else _postgres_integer)(value, was)
    else:
        text, length = f"CAST({value} AS TEXT)", getattr(kind, "length", None)
        answer = f"substr({text}, 1, {length})" if length else text
    return answer


def _sqlite_integer(value: str, was: str) -> str:
    return f"max(min(CAST({value} AS INTEGER), {_INT32}), {-_INT32})"


def _postgres_integer(value: str, was: str) -> str:
    if was == "bool":
        return f"CAST({value} AS INTEGER)"
    if was not in _NUMBERS:
        value = f"CAST(substring(CAST({value} AS TEXT) FROM '^\\s*(-?[0-9]{{1,18}})') AS NUMERIC)"
    # greatest() and least() pass NULL over.
    within = f"greatest(least({value}, {_INT32}), {-_INT32})"
    return f"CASE WHEN {value} IS NOT NULL THEN CAST({within} AS INTEGER) END"


def _sqlite_json(value: str, was: str, shape: str) -> str:
    """JSON of the shape that is read back; another shape is wrapped, text that is no JSON is a string."""
    raw = f"nullif(trim(CAST({value} AS TEXT)), '')"
    json = f"CASE WHEN json_valid({raw}) THEN {raw} ELSE json_quote({raw}) END"
    wrapped = {
        "any": json,
        "object": f"json_object('value', json({json}))",
        "array": f"json_array(json({json}))",
    }[shape]
    return (
        f"CASE WHEN {raw} IS NULL OR {raw} = 'null' THEN NULL "
        f"WHEN json_type({json}) = '{shape}' THEN {raw} ELSE {wrapped} END"
    )


def _postgres_json(value: str, was: str, shape: str) -> str:
    if was in {"json", "jsonb"}:
        json = f"CAST({value} AS JSON)"
    else:
        json = f"to_json({value})" if was == "array" else f"pg_temp.duihua_json(CAST({value} AS TEXT))"
    wrapped = {
        "any": json,
        "object": f"json_build_object('value', {json})",
        "array": f"json_build_array({json})",
    }[shape]
    return (
        f"CASE WHEN {json} IS NULL OR json_typeof({json}) = 'null' THEN NULL "
        f"WHEN json_typeof({json}) = '{shape}' THEN {json} ELSE {wrapped} END"
    )


def _sqlite_moment(value: str, was: str) -> str:
    # datetime() reads the ISO forms and an offset, but only whole seconds: the digits after the point are
    # cut out and put back, six of them, so that texts sort as moments do. '+0 days' turns 30 February, which
    # Python could not read back, into 1 March.
    after = f"substr({value}, instr({value} || '.', '.') + 1)"
    offset = f"ltrim({after}, '0123456789')"
    digits = f"substr({after}, 1, length({after}) - length({offset}))"
    seconds = f"datetime(substr({value}, 1, instr({value} || '.', '.') - 1) || {offset}, '+0 days')"
    # An offset that it cannot read ('UTC') is left out, rather than the moment lost.
    whole = f"coalesce({seconds}, datetime(substr({value}, 1, 19), '+0 days'))"
    return (
        f"CASE WHEN typeof({value}) IN ('integer', 'real') "
        f"THEN strftime('%Y-%m-%d %H:%M:%f', {_epoch(value)}, 'unixepoch') || '000' "
        f"ELSE {whole} || '.' || substr({digits} || '000000', 1, 6) END"
    )


def _postgres_moment(value: str, was: str) -> str:
    """A moment without an offset is read as UTC."""
    if was == "timestamptz":
        return value
    if was in {"timestamp", "date"}:
        return f"CAST({value} AS TIMESTAMP) AT TIME ZONE 'UTC'"
    if was in _NUMBERS:
        return f"to_timestamp({_epoch(value)})"
    return f"pg_temp.duihua_moment(CAST({value} AS TEXT))"


def _epoch(value: str) -> str:
    # No chat lies beyond the year 5000 in seconds: larger numbers are milliseconds.
    return f"CASE WHEN abs({value}) >= 1e11 THEN {value} / 1000.0 ELSE {value} END"
