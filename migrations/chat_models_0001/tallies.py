"""Tallies: how much was said in each quarter-hour and month of UTC, their first count; what models did."""

import sqlalchemy as sa

from chat_models_0001.columns import BIG_ID, METADATA, moment

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
sa.Table(
    "usage_tallies",
    METADATA,
    sa.Column("user_id", BIG_ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("day", sa.BigInteger(), primary_key=True, comment="since the year 1"),
    sa.Column("connection_id", BIG_ID, primary_key=True, comment="0: none; -1: the day is counted"),
    sa.Column("model_id", sa.String(255), primary_key=True),
    sa.Column("requests", sa.BigInteger(), nullable=False),
    sa.Column("errors", sa.BigInteger(), nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
    sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
    sa.Column("completed", sa.BigInteger(), nullable=False, comment="complete replies"),
    sa.Column("latency_ms", sa.BigInteger(), nullable=False, comment="of complete replies"),
    sa.Column("begun", sa.BigInteger(), nullable=False, comment="replies of which something came"),
    sa.Column("first_token_ms", sa.BigInteger(), nullable=False, comment="until it did"),
    sa.Column("written_tokens", sa.BigInteger(), nullable=False, comment="of complete, counted replies"),
    sa.Column("writing_ms", sa.BigInteger(), nullable=False, comment="from their first token to their last"),
    moment("last_used_at", nullable=True),
    comment="What models did on days that are over; derived from generations",
    sqlite_with_rowid=False,
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
