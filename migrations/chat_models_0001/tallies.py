"""Tallies: how much was said in each quarter-hour and month of UTC, and their first count."""

import sqlalchemy as sa

from chat_models_0001.columns import BIG_ID, METADATA

_TALLIES = sa.Table(
    "tallies",
    METADATA,
    sa.Column("user_id", BIG_ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("span", sa.String(10), primary_key=True, comment="quarter (of an hour), month"),
    sa.Column("start", sa.BigInteger(), primary_key=True, comment="how many of them since the year 1"),
    sa.Column("group_id", BIG_ID, primary_key=True),
    sa.Column("kind", sa.String(20), primary_key=True, comment="conversation, or a role"),
    sa.Column("model_id", sa.String(255), primary_key=True, comment="of assistants' messages, else empty"),
    sa.Column("number", sa.BigInteger(), nullable=False),
    sa.Column("tokens", sa.BigInteger(), nullable=False),
    sa.Column("characters", sa.BigInteger(), nullable=False),
    comment="How much each user has said when; derived from conversations and messages",
    sqlite_with_rowid=False,
)
sa.Index(
    "ix_tallies_empty",
    _TALLIES.c.user_id,
    sqlite_where=sa.text("number = 0"),
    postgresql_where=sa.text("number = 0"),
)
_COLUMNS = "user_id, span, start, group_id, kind, model_id, number, tokens, characters"
# 62135596800 seconds lie between the beginnings of the years 1 and 1970.
_START = {
    "sqlite": (
        "(CAST(strftime('%s', substr({0}, 1, 19)) AS INTEGER) + 62135596800) / 900",
        "12 * CAST(substr({0}, 1, 4) AS INTEGER) + CAST(substr({0}, 6, 2) AS INTEGER) - 13",
    ),
    "postgresql": (
        "CAST(floor((extract(epoch FROM {0}) + 62135596800) / 900) AS BIGINT)",
        "CAST(12 * extract(year FROM {0} AT TIME ZONE 'UTC') "
        "+ extract(month FROM {0} AT TIME ZONE 'UTC') - 13 AS BIGINT)",
    ),
}


def count(connection: sa.Connection) -> None:
    """Count the rows that were taken over."""
    connection.exec_driver_sql("UPDATE conversations SET counted_in = group_id WHERE status <> 'deleted'")
    for span, start in zip(("quarter", "month"), _START[connection.dialect.name], strict=True):
        connection.exec_driver_sql(
            f"INSERT INTO tallies ({_COLUMNS}) "
            f"SELECT user_id, '{span}', {start.format('created_at')}, counted_in, 'conversation', '', "
            "count(*), 0, 0 FROM conversations WHERE counted_in IS NOT NULL GROUP BY 1, 3, 4"
        )
        connection.exec_driver_sql(
            f"INSERT INTO tallies ({_COLUMNS}) "
            f"SELECT messages.user_id, '{span}', {start.format('messages.created_at')}, counted_in, role, "
            "CASE WHEN role = 'assistant' THEN coalesce(messages.model_id, '') ELSE '' END, "
            "count(*), sum(token_count), sum(character_count) "
            "FROM messages JOIN conversations ON conversations.id = conversation_id "
            "WHERE counted_in IS NOT NULL AND messages.status = 'active' GROUP BY 1, 3, 4, 5, 6"
        )
