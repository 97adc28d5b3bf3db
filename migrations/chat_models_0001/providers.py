"""Connections to model providers, and what each offers."""

import sqlalchemy as sa

from chat_models_0001.columns import BIG_ID, METADATA, moment, owner, row_id, word

sa.Table(
    "api_keys",
    METADATA,
    row_id(),
    owner(index=True),
    sa.Column("api_key", sa.Text(), comment="encrypted: fernet:…"),
    sa.Column("model_name", sa.String(255)),
    sa.Column("model_url", sa.Text()),
    sa.Column("description", sa.Text()),
    word("status", "active", "active, inactive, deleted"),
    sa.Column(
        "provider", sa.String(50), comment="openai, deepseek, ollama, …: its protocol and its usual address"
    ),
    sa.Column("config", sa.JSON(), comment="generation settings beneath those of conversations"),
    sa.Column("max_tokens", sa.Integer()),
    sa.Column("timeout", sa.Integer(), comment="seconds"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
    moment("models_listed_at", nullable=True, comment="when the provider last told its models"),
    comment="Connections to model providers",
)
sa.Table(
    "connection_models",
    METADATA,
    sa.Column("connection_id", BIG_ID, sa.ForeignKey("api_keys.id"), primary_key=True),
    sa.Column("model_id", sa.String(255), primary_key=True, comment="its name at the provider"),
    sa.Column("place", sa.Integer(), nullable=False, comment="in the provider's own order"),
    sa.Column("name", sa.Text(), nullable=False, comment="for people"),
    sa.Column("context_length", sa.Integer(), comment="tokens, where the provider tells"),
    sa.Column("capabilities", sa.JSON(), comment="vision, tools, reasoning, where the provider tells"),
    comment="The models that each connection last listed",
    sqlite_with_rowid=False,
)
