"""Runs of models and their journal; imports."""

import sqlalchemy as sa

from chat_models_0001.columns import BIG_ID, METADATA, moment, owner, row_id

_GENERATIONS = sa.Table(
    "generations",
    METADATA,
    row_id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True, comment="task_id on the wire"),
    owner(),
    sa.Column("conversation_id", BIG_ID, sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("user_message_id", BIG_ID, sa.ForeignKey("messages.id"), nullable=False, index=True),
    sa.Column(
        "message_id", BIG_ID, sa.ForeignKey("messages.id"), nullable=False, index=True, comment="the reply"
    ),
    sa.Column("model_id", sa.String(255), nullable=False),
    sa.Column("provider", sa.String(255), nullable=False),
    sa.Column("connection_id", BIG_ID, sa.ForeignKey("api_keys.id"), comment="NULL: the operator's"),
    sa.Column("language", sa.String(5), nullable=False, comment="zh, en: of the sentences in its events"),
    sa.Column("state", sa.String(20), nullable=False, comment="as messages.state; leaves streaming once"),
    sa.Column("error", sa.String(50)),
    sa.Column("error_values", sa.JSON()),
    sa.Column("finish_reason", sa.String(50)),
    sa.Column("prompt_tokens", sa.Integer()),
    sa.Column("completion_tokens", sa.Integer()),
    sa.Column("owner", sa.String(36), nullable=False, comment="the process that may write to it"),
    moment("lease_expires_at", comment="after this moment recovery takes it over"),
    moment("cancel_requested_at", nullable=True),
    moment("created_at"),
    sa.Column("first_token_ms", sa.Integer(), comment="milliseconds from created_at"),
    sa.Column("total_ms", sa.Integer(), comment="milliseconds from created_at to the end of the reply"),
    moment("finished_at", nullable=True),
    comment="Runs of a model",
)
sa.Index("ix_generations_user_id_created", _GENERATIONS.c.user_id, _GENERATIONS.c.created_at)
sa.Index("ix_generations_state", _GENERATIONS.c.state, _GENERATIONS.c.lease_expires_at)
sa.Index("ix_generations_finished", _GENERATIONS.c.finished_at)
sa.Table(
    "generation_events",
    METADATA,
    sa.Column("generation_id", BIG_ID, sa.ForeignKey("generations.id"), primary_key=True),
    sa.Column("seq", sa.Integer(), primary_key=True, comment="from 1, without gaps"),
    sa.Column("payload", sa.Text(), nullable=False, comment="the JSON of one event, as the wire sends it"),
    comment="The journal of the runs",
    sqlite_with_rowid=False,
)
_IMPORTS = sa.Table(
    "import_tasks",
    METADATA,
    row_id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True, comment="task_id on the wire"),
    owner(index=True),
    sa.Column("owner", sa.String(36), nullable=False, comment="the process that works on it"),
    sa.Column("state", sa.String(20), nullable=False, comment="how far it is, or how it ended"),
    sa.Column("is_cancelled", sa.Boolean(), nullable=False, comment="somebody wants it to end"),
    sa.Column("seq", sa.Integer(), nullable=False, comment="of its newest event"),
    sa.Column("done", sa.BigInteger(), nullable=False, comment="bytes of the file"),
    sa.Column("total", sa.BigInteger(), nullable=False, comment="bytes of the file"),
    sa.Column("imported", sa.Integer(), nullable=False),
    sa.Column("skipped", sa.Integer(), nullable=False),
    sa.Column("failed", sa.Integer(), nullable=False),
    sa.Column("report", sa.Text(), comment="JSON; NULL until it is complete"),
    sa.Column("error", sa.String(50)),
    sa.Column("error_values", sa.JSON()),
    moment("lease_expires_at", comment="after this moment its process counts as gone"),
    moment("created_at"),
    moment("finished_at", nullable=True),
    comment="Imports that go on without their request",
)
sa.Index("ix_import_tasks_state", _IMPORTS.c.state, _IMPORTS.c.lease_expires_at)
