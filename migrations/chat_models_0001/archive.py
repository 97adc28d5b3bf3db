"""Groups, conversations, messages, prompts, files: what people keep."""

import sqlalchemy as sa

from chat_models_0001.columns import BIG_ID, METADATA, count, flag, moment, owner, row_id, word

sa.Table(
    "prompts",
    METADATA,
    row_id(),
    owner(index=True),
    sa.Column("title", sa.String(255), nullable=False),
    sa.Column("category", sa.String(50), comment="system, role, creative, code, other"),
    sa.Column("content", sa.Text(), nullable=False, comment="{{name}} is filled from variables"),
    sa.Column("description", sa.Text()),
    sa.Column("tags", sa.JSON(), comment="an array of texts"),
    flag("is_public"),
    sa.Column("variables", sa.JSON()),
    sa.Column("config", sa.JSON()),
    count("sort"),
    word("status", "active", "active, deleted"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
    comment="Texts that a conversation starts from",
)
_GROUPS = sa.Table(
    "chat_groups",
    METADATA,
    row_id(),
    owner(),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("description", sa.Text()),
    sa.Column("color", sa.String(20), comment="#RGB or #RRGGBB"),
    count("sort"),
    flag("is_default", comment="one a user: where conversations without another group are"),
    word("status", "active", "active, deleted"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
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
    row_id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True, comment="chat_id on the wire"),
    owner(),
    sa.Column("group_id", BIG_ID, sa.ForeignKey("chat_groups.id"), nullable=False),
    sa.Column("title", sa.String(255), nullable=False),
    word("title_source", "default", "default, generated, person: a person's title is never replaced"),
    sa.Column("description", sa.Text()),
    sa.Column("model_id", sa.String(255), comment="a model's name at its provider"),
    sa.Column("api_key_id", BIG_ID, sa.ForeignKey("api_keys.id")),
    sa.Column("prompt_id", BIG_ID, sa.ForeignKey("prompts.id")),
    sa.Column("config", sa.JSON(), comment="generation settings: temperature, system_prompt, …"),
    sa.Column("active_leaf_id", BIG_ID, comment="messages.id at the end of the active branch"),
    count("message_count", "visible messages of the active branch"),
    sa.Column("last_message", sa.Text(), comment="the first 200 characters of the branch's newest message"),
    flag("pinned"),
    word("status", "active", "active, archived, deleted"),
    sa.Column("status_before", sa.String(20), comment="of a deleted one: what it comes back as"),
    sa.Column("counted_in", BIG_ID, comment="the group whose tallies have it; NULL: deleted"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
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
    row_id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True),
    owner(),
    sa.Column("conversation_id", BIG_ID, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("parent_id", BIG_ID, sa.ForeignKey("messages.id"), comment="NULL: a root"),
    count("depth", "how many ancestors"),
    flag("on_branch", "true", "whether the active branch leads through this message"),
    sa.Column("role", sa.String(20), nullable=False, comment="user, assistant, system, tool"),
    sa.Column("content", sa.Text(), nullable=False),
    sa.Column("reasoning", sa.Text(), comment="what the model thought, where it shows that"),
    sa.Column("reasoning_ms", sa.Integer(), comment="milliseconds that it thought, where that was seen"),
    sa.Column("first_token_ms", sa.Integer(), comment="milliseconds from created_at to its first word"),
    sa.Column("duration_ms", sa.Integer(), comment="milliseconds from created_at to its end"),
    word("message_type", "text", "text, image, file"),
    sa.Column("message_metadata", sa.JSON()),
    sa.Column("files", sa.JSON()),
    sa.Column("model_id", sa.String(255)),
    count("token_count"),
    count("character_count"),
    word("state", "complete", "complete, streaming, cancelled, interrupted, failed"),
    sa.Column("error", sa.String(50), comment="why it failed: a stable code"),
    sa.Column("error_values", sa.JSON(), comment="what the sentence for the code is filled with"),
    sa.Column("finish_reason", sa.String(50), comment="in the provider's words"),
    word("status", "active", "active, deleted"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
    comment="The nodes of the trees; siblings of one role are versions of each other",
)
sa.Index(
    "ix_messages_branch", *(_MESSAGES.c[name] for name in ("conversation_id", "on_branch", "status", "depth"))
)
sa.Index("ix_messages_user_id_created", _MESSAGES.c.user_id, _MESSAGES.c.created_at)
sa.Index(
    "ix_messages_with_files",
    _MESSAGES.c.user_id,
    sqlite_where=sa.text("files IS NOT NULL"),
    postgresql_where=sa.text("files IS NOT NULL"),
)
sa.Index("ix_messages_parent_id", _MESSAGES.c.parent_id, _MESSAGES.c.conversation_id)
sa.Table(
    "message_revisions",
    METADATA,
    row_id(),
    owner(),
    sa.Column("message_id", BIG_ID, sa.ForeignKey("messages.id"), nullable=False, index=True),
    sa.Column("content", sa.Text(), nullable=False),
    moment("created_at"),
    comment="Texts that messages had before they were edited in place",
)
sa.Table(
    "shares",
    METADATA,
    row_id(),
    owner(index=True),
    sa.Column("conversation_id", BIG_ID, sa.ForeignKey("conversations.id"), nullable=False, unique=True),
    sa.Column("token", sa.String(64), nullable=False, unique=True, comment="whoever knows it may read"),
    sa.Column("title", sa.String(255), nullable=False, comment="when it was shared"),
    sa.Column("page", sa.Text(), nullable=False, comment="HTML, as it was when it was shared"),
    sa.Column("pictures", sa.JSON(), nullable=False, comment="uuids of the files that it shows"),
    moment("created_at"),
    moment("expires_at", nullable=True),
    comment="Conversations that are read without an account",
)
_FILES = sa.Table(
    "files",
    METADATA,
    row_id(),
    sa.Column("uuid", sa.String(36), nullable=False, unique=True, comment="its name in the file storage"),
    owner(index=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes"),
    sa.Column("content_type", sa.String(100), nullable=False, comment="as its content shows, not its name"),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("plain_text", sa.Text(), comment="what a model is shown of a document"),
    sa.Column("character_count", sa.Integer(), comment="of plain_text; NULL: a picture"),
    flag("is_cut", comment="whether the document has more text"),
    word("status", "incoming", "incoming, active, deleted, purged"),
    moment("created_at"),
    moment("deleted_at", nullable=True),
    comment="Uploaded files; their bytes are in the file storage",
)
sa.Index("ix_files_status", *(_FILES.c[name] for name in ("status", "created_at")))
