"""The tables as the first revision leaves them, frozen: later changes of the models do not reach back here.

A comment on a table or column is for `add_chat_models.sql`; it is not stored in the database.
"""

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", _BIG_ID, primary_key=True)


def _owner(*, index: bool = False) -> sa.Column[int]:
    return sa.Column("user_id", _BIG_ID, sa.ForeignKey("users.id"), nullable=False, index=index)


def _moment(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def _count(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False, comment=comment)


def _flag(name: str, default: str = "false", comment: str | None = None) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text(default), nullable=False, comment=comment)


def _word(name: str, default: str, comment: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(20), server_default=default, nullable=False, comment=comment)


sa.Table(
    "users",
    METADATA,
    _id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    _moment("created_at"),
    comment="Whoever owns rows; 1 is the local user, who acts where there are no accounts",
)
sa.Table(
    "api_keys",
    METADATA,
    _id(),
    _owner(index=True),
    sa.Column("api_key", sa.Text()),
    sa.Column("model_name", sa.String(255)),
    sa.Column("model_url", sa.Text()),
    sa.Column("description", sa.Text()),
    _word("status", "active", "active, inactive"),
    sa.Column("provider", sa.String(50), comment="the protocol: openai, anthropic, gemini, ollama, …"),
    sa.Column("config", sa.JSON()),
    sa.Column("max_tokens", sa.Integer()),
    sa.Column("timeout", sa.Integer(), comment="seconds"),
    _moment("created_at"),
    _moment("updated_at"),
    comment="Connections to model providers",
)
sa.Table(
    "prompts",
    METADATA,
    _id(),
    _owner(index=True),
    sa.Column("title", sa.String(255), nullable=False),
    sa.Column("category", sa.String(50), comment="system, role, creative, code, other"),
    sa.Column("content", sa.Text(), nullable=False, comment="{{name}} is filled from variables"),
    sa.Column("description", sa.Text()),
    sa.Column("tags", sa.JSON(), comment="an array of texts"),
    _flag("is_public"),
    sa.Column("variables", sa.JSON()),
    sa.Column("config", sa.JSON()),
    _count("sort"),
    _word("status", "active", "active, deleted"),
    _moment("created_at"),
    _moment("updated_at"),
    _moment("deleted_at", nullable=True),
    comment="Texts that a conversation starts from",
)
_GROUPS = sa.Table(
    "chat_groups",
    METADATA,
    _id(),
    _owner(),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("description", sa.Text()),
    sa.Column("color", sa.String(20), comment="#RGB or #RRGGBB"),
    _count("sort"),
    _flag("is_default", comment="one a user: where conversations without another group are"),
    _word("status", "active", "active, deleted"),
    _moment("created_at"),
    _moment("updated_at"),
    _moment("deleted_at", nullable=True),
    comment="Drawers for conversations",
)
sa.Index("ix_chat_groups_user_id_sort", *(_GROUPS.c[name] for name in ("user_id", "status", "sort", "id")))
sa.Index(
    "uq_chat_groups_default",
    _GROUPS.c.user_id,
    unique=True,
    sqlite_where=sa.text("is_default"),
    postgresql_where=sa.text("is_default"),
)
_CONVERSATIONS = sa.Table(
    "conversations",
    METADATA,
    _id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True, comment="chat_id on the wire"),
    _owner(),
    sa.Column("group_id", _BIG_ID, sa.ForeignKey("chat_groups.id"), nullable=False),
    sa.Column("title", sa.String(255), nullable=False),
    _word("title_source", "default", "default, generated, person: a person's title is never replaced"),
    sa.Column("description", sa.Text()),
    sa.Column("model_id", sa.String(255), comment="a model's name at its provider"),
    sa.Column("api_key_id", _BIG_ID, sa.ForeignKey("api_keys.id")),
    sa.Column("prompt_id", _BIG_ID, sa.ForeignKey("prompts.id")),
    sa.Column("config", sa.JSON(), comment="generation settings: temperature, system_prompt, …"),
    sa.Column("active_leaf_id", _BIG_ID, comment="messages.id at the end of the active branch"),
    _count("message_count", "visible messages of the active branch"),
    sa.Column("last_message", sa.Text(), comment="the first 200 characters of the branch's newest message"),
    _flag("pinned"),
    _word("status", "active", "active, archived, deleted"),
    _moment("created_at"),
    _moment("updated_at"),
    _moment("deleted_at", nullable=True),
    comment="Trees of messages with one active branch",
)
sa.Index(
    "ix_conversations_user_id_updated",
    *(_CONVERSATIONS.c[name] for name in ("user_id", "status", "pinned", "updated_at", "id")),
)
sa.Index(
    "ix_conversations_group_id", *(_CONVERSATIONS.c[name] for name in ("group_id", "status", "updated_at"))
)
_MESSAGES = sa.Table(
    "messages",
    METADATA,
    _id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True),
    _owner(),
    sa.Column("conversation_id", _BIG_ID, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("parent_id", _BIG_ID, sa.ForeignKey("messages.id"), comment="NULL: a root"),
    _count("depth", "how many ancestors"),
    _flag("on_branch", "true", "whether the active branch leads through this message"),
    sa.Column("role", sa.String(20), nullable=False, comment="user, assistant, system, tool"),
    sa.Column("content", sa.Text(), nullable=False),
    sa.Column("reasoning", sa.Text(), comment="what the model thought, where it shows that"),
    _word("message_type", "text", "text, image, file"),
    sa.Column("message_metadata", sa.JSON()),
    sa.Column("files", sa.JSON()),
    sa.Column("model_id", sa.String(255)),
    _count("token_count"),
    _count("character_count"),
    _word("state", "complete", "complete, streaming, cancelled, interrupted, failed"),
    sa.Column("error", sa.String(50), comment="why it failed: a stable code"),
    sa.Column("error_values", sa.JSON(), comment="what the sentence for the code is filled with"),
    sa.Column("finish_reason", sa.String(50), comment="in the provider's words"),
    _word("status", "active", "active, deleted"),
    _moment("created_at"),
    _moment("updated_at"),
    _moment("deleted_at", nullable=True),
    comment="The nodes of the trees; siblings of one role are versions of each other",
)
sa.Index(
    "ix_messages_branch", *(_MESSAGES.c[name] for name in ("conversation_id", "on_branch", "status", "depth"))
)
sa.Index("ix_messages_parent_id", _MESSAGES.c.conversation_id, _MESSAGES.c.parent_id)
sa.Table(
    "message_revisions",
    METADATA,
    _id(),
    _owner(),
    sa.Column("message_id", _BIG_ID, sa.ForeignKey("messages.id"), nullable=False, index=True),
    sa.Column("content", sa.Text(), nullable=False),
    _moment("created_at"),
    comment="Texts that messages had before they were edited in place",
)
_GENERATIONS = sa.Table(
    "generations",
    METADATA,
    _id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True, comment="task_id on the wire"),
    _owner(),
    sa.Column("conversation_id", _BIG_ID, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("user_message_id", _BIG_ID, sa.ForeignKey("messages.id"), nullable=False),
    sa.Column(
        "message_id", _BIG_ID, sa.ForeignKey("messages.id"), nullable=False, index=True, comment="the reply"
    ),
    sa.Column("model_id", sa.String(255), nullable=False),
    sa.Column("provider", sa.String(255), nullable=False),
    sa.Column("language", sa.String(5), nullable=False, comment="zh, en: of the sentences in its events"),
    sa.Column("state", sa.String(20), nullable=False, comment="as messages.state; leaves streaming once"),
    sa.Column("error", sa.String(50)),
    sa.Column("error_values", sa.JSON()),
    sa.Column("finish_reason", sa.String(50)),
    sa.Column("prompt_tokens", sa.Integer()),
    sa.Column("completion_tokens", sa.Integer()),
    sa.Column("owner", sa.String(36), nullable=False, comment="the process that may write to it"),
    _moment("lease_expires_at", comment="after this moment recovery takes it over"),
    _moment("cancel_requested_at", nullable=True),
    _moment("created_at"),
    _moment("first_token_at", nullable=True),
    _moment("finished_at", nullable=True),
    comment="Runs of a model",
)
sa.Index("ix_generations_user_id_created", _GENERATIONS.c.user_id, _GENERATIONS.c.created_at)
sa.Index("ix_generations_state", _GENERATIONS.c.state, _GENERATIONS.c.lease_expires_at)
sa.Index("ix_generations_finished", _GENERATIONS.c.finished_at)
sa.Table(
    "generation_events",
    METADATA,
    sa.Column("generation_id", _BIG_ID, sa.ForeignKey("generations.id"), primary_key=True),
    sa.Column("seq", sa.Integer(), primary_key=True, comment="from 1, without gaps"),
    sa.Column("payload", sa.Text(), nullable=False, comment="the JSON of one event, as the wire sends it"),
    comment="The journal of the runs",
    sqlite_with_rowid=False,
)
sa.Table(
    "idempotency_keys",
    METADATA,
    sa.Column("user_id", _BIG_ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of method, path and body"),
    sa.Column("answer", sa.Text(), nullable=False, comment="JSON"),
    _moment("created_at"),
    comment="The first answer to a POST, kept for its retries",
)
sa.Index("ix_idempotency_keys_created_at", METADATA.tables["idempotency_keys"].c.created_at)
