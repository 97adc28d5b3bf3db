"""Whoever owns rows, and what is kept for each."""

import sqlalchemy as sa

from chat_models_0001.columns import BIG_ID, METADATA, flag, moment, row_id, word

sa.Table(
    "users",
    METADATA,
    row_id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    moment("created_at"),
    sa.Column(
        "last_change", BIG_ID, server_default=sa.text("0"), nullable=False, comment="newest of its changes"
    ),
    sa.Column(
        "documents_removed",
        BIG_ID,
        server_default=sa.text("0"),
        nullable=False,
        comment="how many messages search has ever forgotten, on PostgreSQL",
    ),
    comment="Whoever owns rows; 1 is the local user, who acts where there are no accounts",
)
_CHANGES = sa.Table(
    "changes",
    METADATA,
    sa.Column("user_id", BIG_ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("seq", BIG_ID, primary_key=True, comment="from 1, without gaps"),
    sa.Column("payload", sa.Text(), nullable=False, comment="the JSON that GET /chat/events sends"),
    moment("created_at"),
    comment="What was done to the archive of each user, kept for a day",
    sqlite_with_rowid=False,
)
sa.Index("ix_changes_created_at", _CHANGES.c.created_at)
sa.Table(
    "user_settings",
    METADATA,
    sa.Column("user_id", BIG_ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("preferences", sa.JSON(), comment="whatever a client keeps there"),
    sa.Column("default_config", sa.JSON(), comment="generation settings of new conversations"),
    sa.Column("default_model_id", sa.String(255)),
    flag("auto_save", "true"),
    word("theme", "system", "light, dark, system"),
    word("language", "auto", "zh, en, auto"),
    sa.Column("timezone", sa.String(64), server_default="UTC", nullable=False, comment="an IANA name"),
    moment("updated_at"),
    comment="What each user decided; without a row everything is as it comes",
)
sa.Table(
    "idempotency_keys",
    METADATA,
    sa.Column("user_id", BIG_ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of method, path and body"),
    sa.Column("answer", sa.Text(), nullable=False, comment="JSON"),
    moment("created_at"),
    comment="The first answer to a POST, kept for its retries",
)
sa.Index("ix_idempotency_keys_created_at", METADATA.tables["idempotency_keys"].c.created_at)
