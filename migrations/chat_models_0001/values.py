"""What an older row becomes: one SQL expression for each column of the new table, over the older row.

The same expressions fill SQLite's INSERT … SELECT and PostgreSQL's ALTER … USING, so they hold no
subquery. What depends on other rows (groups, branches, counts) is filled in afterwards, by `links`.
"""

from collections.abc import Callable, Mapping
from functools import partial

import sqlalchemy as sa

from chat_models_0001.casts import NEW_UUID, UNKNOWN_MOMENT, plain
from chat_models_0001.older import OldColumn

_UNTITLED = {"conversations": "新对话", "prompts": "未命名", "chat_groups": "未命名"}
_Words = Mapping[str, tuple[str, ...]]
_STATUSES: Mapping[str, _Words] = {
    # Nothing calls a provider with a key that was put away.
    "api_keys": {"inactive": ("inactive", "deleted", "archived", "disabled")},
    "chat_groups": {"deleted": ("deleted",)},
    "conversations": {"archived": ("archived",), "deleted": ("deleted",)},
    "messages": {"deleted": ("deleted",)},
    "prompts": {"deleted": ("deleted",)},
}
_ROLES: _Words = {
    "assistant": ("assistant", "ai", "bot", "model"),
    "system": ("system", "developer"),
    "tool": ("tool", "function"),
}
_MESSAGE_TYPES: _Words = {"image": ("image",), "file": ("file",)}

Old = Mapping[str, OldColumn]
_Rule = Callable[[str, sa.Table, Old], str]


def expressions(dialect: str, table: sa.Table, old: Old) -> dict[str, str]:
    """For every column of `table` its value as SQL. A missing or impossible value becomes the default."""
    answer = {}
    for column in table.columns:
        if rule := _RULES.get(f"{table.name}.{column.name}") or _RULES.get(column.name):
            answer[column.name] = rule(dialect, table, old)
        else:
            answer[column.name] = _with_default(plain(dialect, column, old), column)
    return answer


def _uuid_text(old: Old) -> str:
    """The older uuid as the wire spells it: with dashes, in small letters; NULL where there is none."""
    value = "nullif(lower(trim(CAST(uuid AS TEXT))), '')"
    if old["uuid"].declared.upper() != "CHAR(32)":
        return value
    # SQLAlchemy's Uuid stores 32 digits and shows them with dashes.
    places = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    dashed = " || '-' || ".join(f"substr({value}, {start}, {length})" for start, length in places)
    return f"CASE WHEN length({value}) = 32 THEN {dashed} ELSE {value} END"


def repeated_uuids(table: str, old: Old) -> str:
    """A query for the ids whose uuid an earlier row of `table` has already."""
    place = f"row_number() OVER (PARTITION BY {_uuid_text(old)} ORDER BY id)"
    return f"SELECT id FROM (SELECT id, {place} AS place FROM {table}) AS numbered WHERE place > 1"


def _with_default(value: str, column: sa.Column[object]) -> str:
    if isinstance(column.server_default, sa.DefaultClause):
        default = column.server_default.arg
        word = isinstance(default, str) and isinstance(column.type, sa.String)
        return f"coalesce({value}, '{default}')" if word else f"coalesce({value}, {default})"
    return value if column.nullable or column.primary_key else f"coalesce({value}, '')"


def _limit(table: sa.Table, name: str) -> int:
    length = getattr(table.c[name].type, "length", None)
    assert isinstance(length, int)
    return length


def _constant(value: str, dialect: str, table: sa.Table, old: Old) -> str:
    return value


def _reference(name: str, dialect: str, table: sa.Table, old: Old) -> str:
    return f"coalesce({plain(dialect, table.c[name], old)}, 0)"


def _uuid(dialect: str, table: sa.Table, old: Old) -> str:
    value = _uuid_text(old)
    return f"CASE WHEN length({value}) <= 36 THEN {value} ELSE {NEW_UUID[dialect]} END"


def _title(name: str, dialect: str, table: sa.Table, old: Old) -> str:
    value, limit = f'CAST("{name}" AS TEXT)', _limit(table, name)
    return (
        f"CASE WHEN coalesce(trim({value}), '') = '' THEN '{_UNTITLED[table.name]}' "
        f"WHEN length({value}) > {limit} THEN substr({value}, 1, {limit - 1}) || '…' ELSE {value} END"
    )


def _description(title: str, dialect: str, table: sa.Table, old: Old) -> str:
    # A title too long for its column is kept whole here.
    value, whole = plain(dialect, table.c.description, old), f'CAST("{title}" AS TEXT)'
    both = f"{whole} || coalesce('\n\n' || nullif({value}, ''), '')"
    return f"CASE WHEN length({whole}) > {_limit(table, title)} THEN {both} ELSE {value} END"


def _title_source(dialect: str, table: sa.Table, old: Old) -> str:
    # A title that is there may be a person's: it is not replaced.
    made_up = f"coalesce(trim(CAST(title AS TEXT)), '') IN ('', '{_UNTITLED['conversations']}')"
    return f"CASE WHEN {made_up} THEN 'default' ELSE 'person' END"


def _status(dialect: str, table: sa.Table, old: Old) -> str:
    return _word("status", _STATUSES[table.name], "active", dialect, table, old)


def _word(name: str, known: _Words, default: str, dialect: str, table: sa.Table, old: Old) -> str:
    if name not in old:
        return f"'{default}'"
    # Enum columns of SQLAlchemy hold the member's name, in capitals.
    cases = " ".join(
        f"""WHEN lower(trim(CAST("{name}" AS TEXT))) IN ({", ".join(map(repr, spellings))}) THEN '{word}'"""
        for word, spellings in known.items()
    )
    return f"CASE {cases} ELSE '{default}' END"


def _character_count(dialect: str, table: sa.Table, old: Old) -> str:
    counted = plain(dialect, table.c.character_count, old)
    return f"CASE WHEN {counted} > 0 THEN {counted} ELSE coalesce(length(CAST(content AS TEXT)), 0) END"


def _moment(first: str, second: str, dialect: str, table: sa.Table, old: Old) -> str:
    known = (plain(dialect, table.c[name], old) for name in (first, second))
    return f"coalesce({', '.join(known)}, {UNKNOWN_MOMENT[dialect]})"


def _deleted_at(dialect: str, table: sa.Table, old: Old) -> str:
    held = plain(dialect, table.c.deleted_at, old)
    updated = _moment("updated_at", "created_at", dialect, table, old)
    return f"coalesce({held}, CASE WHEN {_status(dialect, table, old)} = 'deleted' THEN {updated} END)"


_RULES: dict[str, _Rule] = {
    "uuid": _uuid,
    "user_id": partial(_constant, "1"),
    "status": _status,
    "created_at": partial(_moment, "created_at", "updated_at"),
    "updated_at": partial(_moment, "updated_at", "created_at"),
    "deleted_at": _deleted_at,
    "prompts.title": partial(_title, "title"),
    "prompts.description": partial(_description, "title"),
    "chat_groups.name": partial(_title, "name"),
    "chat_groups.description": partial(_description, "name"),
    "conversations.title": partial(_title, "title"),
    "conversations.title_source": _title_source,
    "conversations.description": partial(_description, "title"),
    "conversations.group_id": partial(_reference, "group_id"),
    "conversations.message_count": partial(_constant, "0"),
    "messages.conversation_id": partial(_reference, "conversation_id"),
    "messages.role": partial(_word, "role", _ROLES, "user"),
    "messages.message_type": partial(_word, "message_type", _MESSAGE_TYPES, "text"),
    "messages.character_count": _character_count,
}
