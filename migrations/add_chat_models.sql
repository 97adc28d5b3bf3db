-- The whole schema, for an empty PostgreSQL database and `psql -v ON_ERROR_STOP=1 -f add_chat_models.sql`.
-- Over existing data use `python run_migration.py`, which upgrades it in place.
-- Rendered from the revisions beside this file. Do not edit it, render it again:
--   python run_migration.py --sql postgresql > migrations/add_chat_models.sql

BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> duihua_0001

-- How the documents were made
CREATE TABLE search_index (
    -- messages, conversations
    kind VARCHAR(20) NOT NULL,
    -- the rules that the tokens were made by
    version INTEGER NOT NULL,
    CONSTRAINT pk_search_index PRIMARY KEY (kind)
);

-- Whoever owns rows; 1 is the local user, who acts where there are no accounts
CREATE TABLE users (
    id BIGSERIAL NOT NULL,
    uuid VARCHAR(36) NOT NULL,
    name VARCHAR(100) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    -- newest of its changes
    last_change BIGINT DEFAULT 0 NOT NULL,
    -- how many messages search has ever forgotten, on PostgreSQL
    documents_removed BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_uuid UNIQUE (uuid),
    CONSTRAINT uq_users_name UNIQUE (name)
);

-- Connections to model providers
CREATE TABLE api_keys (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    -- encrypted: fernet:…
    api_key TEXT,
    model_name VARCHAR(255),
    model_url TEXT,
    description TEXT,
    -- active, inactive, deleted
    status VARCHAR(20) DEFAULT 'active' NOT NULL,
    -- openai, deepseek, ollama, …: its protocol and its usual address
    provider VARCHAR(50),
    -- generation settings beneath those of conversations
    config JSON,
    max_tokens INTEGER,
    -- seconds
    timeout INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    -- when the provider last told its models
    models_listed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT fk_api_keys_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_api_keys_user_id ON api_keys (user_id);

-- What was done to the archive of each user, kept for a day
CREATE TABLE changes (
    user_id BIGINT NOT NULL,
    -- from 1, without gaps
    seq BIGINT NOT NULL,
    -- the JSON that GET /chat/events sends
    payload TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_changes PRIMARY KEY (user_id, seq),
    CONSTRAINT fk_changes_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_changes_created_at ON changes (created_at);

-- Drawers for conversations
CREATE TABLE chat_groups (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    name VARCHAR(100) NOT NULL,
    description TEXT,
    -- #RGB or #RRGGBB
    color VARCHAR(20),
    sort INTEGER DEFAULT '0' NOT NULL,
    -- one a user: where conversations without another group are
    is_default BOOLEAN DEFAULT false NOT NULL,
    -- active, deleted
    status VARCHAR(20) DEFAULT 'active' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_chat_groups PRIMARY KEY (id),
    CONSTRAINT fk_chat_groups_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_chat_groups_user_id_sort ON chat_groups (user_id, status, sort, id);

CREATE UNIQUE INDEX uq_chat_groups_default ON chat_groups (user_id) WHERE is_default;

-- What search finds of each conversation that can be seen; the id is the conversation's
CREATE TABLE conversation_documents (
    id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    -- title and description in the form in which texts are compared
    text TEXT NOT NULL,
    CONSTRAINT fk_conversation_documents_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
)
 PARTITION BY LIST ((user_id & 15));

-- Uploaded files; their bytes are in the file storage
CREATE TABLE files (
    id BIGSERIAL NOT NULL,
    -- its name in the file storage
    uuid VARCHAR(36) NOT NULL,
    user_id BIGINT NOT NULL,
    name VARCHAR(255) NOT NULL,
    -- bytes
    size BIGINT NOT NULL,
    -- as its content shows, not its name
    content_type VARCHAR(100) NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    -- what a model is shown of a document
    plain_text TEXT,
    -- of plain_text; NULL: a picture
    character_count INTEGER,
    -- whether the document has more text
    is_cut BOOLEAN DEFAULT false NOT NULL,
    -- incoming, active, deleted, purged
    status VARCHAR(20) DEFAULT 'incoming' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_files PRIMARY KEY (id),
    CONSTRAINT uq_files_uuid UNIQUE (uuid),
    CONSTRAINT fk_files_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_files_status ON files (status, created_at);

CREATE INDEX ix_files_user_id ON files (user_id);

-- The first answer to a POST, kept for its retries
CREATE TABLE idempotency_keys (
    user_id BIGINT NOT NULL,
    key VARCHAR(255) NOT NULL,
    -- SHA-256 of method, path and body
    fingerprint VARCHAR(64) NOT NULL,
    -- JSON
    answer TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (user_id, key),
    CONSTRAINT fk_idempotency_keys_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

-- Imports that go on without their request
CREATE TABLE import_tasks (
    id BIGSERIAL NOT NULL,
    -- task_id on the wire
    uuid VARCHAR(36) NOT NULL,
    user_id BIGINT NOT NULL,
    -- the process that works on it
    owner VARCHAR(36) NOT NULL,
    -- how far it is, or how it ended
    state VARCHAR(20) NOT NULL,
    -- somebody wants it to end
    is_cancelled BOOLEAN NOT NULL,
    -- of its newest event
    seq INTEGER NOT NULL,
    -- bytes of the file
    done BIGINT NOT NULL,
    -- bytes of the file
    total BIGINT NOT NULL,
    imported INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    -- JSON; NULL until it is complete
    report TEXT,
    error VARCHAR(50),
    error_values JSON,
    -- after this moment its process counts as gone
    lease_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_import_tasks PRIMARY KEY (id),
    CONSTRAINT uq_import_tasks_uuid UNIQUE (uuid),
    CONSTRAINT fk_import_tasks_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_import_tasks_state ON import_tasks (state, lease_expires_at);

CREATE INDEX ix_import_tasks_user_id ON import_tasks (user_id);

-- What search finds of each message that can be seen; the id is the message's
CREATE TABLE message_documents (
    id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    -- microseconds since 1970
    said_at BIGINT NOT NULL,
    -- the message in the form in which texts are compared
    text TEXT NOT NULL,
    CONSTRAINT fk_message_documents_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
)
 PARTITION BY LIST ((user_id & 15));

-- Texts that a conversation starts from
CREATE TABLE prompts (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    title VARCHAR(255) NOT NULL,
    -- system, role, creative, code, other
    category VARCHAR(50),
    -- {{name}} is filled from variables
    content TEXT NOT NULL,
    description TEXT,
    -- an array of texts
    tags JSON,
    is_public BOOLEAN DEFAULT false NOT NULL,
    variables JSON,
    config JSON,
    sort INTEGER DEFAULT '0' NOT NULL,
    -- active, deleted
    status VARCHAR(20) DEFAULT 'active' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_prompts PRIMARY KEY (id),
    CONSTRAINT fk_prompts_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_prompts_user_id ON prompts (user_id);

-- How much each user has said when; derived from conversations and messages
CREATE TABLE tallies (
    user_id BIGINT NOT NULL,
    -- quarter (of an hour), month
    span VARCHAR(10) NOT NULL,
    -- how many of them since the year 1
    start BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    -- conversation, or a role
    kind VARCHAR(20) NOT NULL,
    -- of assistants' messages, else empty
    model_id VARCHAR(255) NOT NULL,
    number BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    characters BIGINT NOT NULL,
    CONSTRAINT pk_tallies PRIMARY KEY (user_id, span, start, group_id, kind, model_id),
    CONSTRAINT fk_tallies_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_tallies_empty ON tallies (user_id) WHERE number = 0;

-- What models did on days that are over; derived from generations
CREATE TABLE usage_tallies (
    user_id BIGINT NOT NULL,
    -- since the year 1
    day BIGINT NOT NULL,
    -- 0: none; -1: the day is counted
    connection_id BIGINT NOT NULL,
    model_id VARCHAR(255) NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    -- complete replies
    completed BIGINT NOT NULL,
    -- of complete replies
    latency_ms BIGINT NOT NULL,
    -- replies of which something came
    begun BIGINT NOT NULL,
    -- until it did
    first_token_ms BIGINT NOT NULL,
    -- of complete, counted replies
    written_tokens BIGINT NOT NULL,
    -- from their first token to their last
    writing_ms BIGINT NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_usage_tallies PRIMARY KEY (user_id, day, connection_id, model_id),
    CONSTRAINT fk_usage_tallies_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

-- What each user decided; without a row everything is as it comes
CREATE TABLE user_settings (
    user_id BIGINT NOT NULL,
    -- whatever a client keeps there
    preferences JSON,
    -- generation settings of new conversations
    default_config JSON,
    default_model_id VARCHAR(255),
    auto_save BOOLEAN DEFAULT true NOT NULL,
    -- light, dark, system
    theme VARCHAR(20) DEFAULT 'system' NOT NULL,
    -- zh, en, auto
    language VARCHAR(20) DEFAULT 'auto' NOT NULL,
    -- an IANA name
    timezone VARCHAR(64) DEFAULT 'UTC' NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_user_settings PRIMARY KEY (user_id),
    CONSTRAINT fk_user_settings_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

-- The models that each connection last listed
CREATE TABLE connection_models (
    connection_id BIGINT NOT NULL,
    -- its name at the provider
    model_id VARCHAR(255) NOT NULL,
    -- in the provider's own order
    place INTEGER NOT NULL,
    -- for people
    name TEXT NOT NULL,
    -- tokens, where the provider tells
    context_length INTEGER,
    -- vision, tools, reasoning, where the provider tells
    capabilities JSON,
    CONSTRAINT pk_connection_models PRIMARY KEY (connection_id, model_id),
    CONSTRAINT fk_connection_models_connection_id_api_keys FOREIGN KEY(connection_id) REFERENCES api_keys (id)
);

-- Trees of messages with one active branch
CREATE TABLE conversations (
    id BIGSERIAL NOT NULL,
    -- chat_id on the wire
    uuid VARCHAR(36) NOT NULL,
    user_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    title VARCHAR(255) NOT NULL,
    -- default, generated, person: a person's title is never replaced
    title_source VARCHAR(20) DEFAULT 'default' NOT NULL,
    description TEXT,
    -- a model's name at its provider
    model_id VARCHAR(255),
    api_key_id BIGINT,
    prompt_id BIGINT,
    -- generation settings: temperature, system_prompt, …
    config JSON,
    -- messages.id at the end of the active branch
    active_leaf_id BIGINT,
    -- visible messages of the active branch
    message_count INTEGER DEFAULT '0' NOT NULL,
    -- the first 200 characters of the branch's newest message
    last_message TEXT,
    pinned BOOLEAN DEFAULT false NOT NULL,
    -- active, archived, deleted
    status VARCHAR(20) DEFAULT 'active' NOT NULL,
    -- of a deleted one: what it comes back as
    status_before VARCHAR(20),
    -- the group whose tallies have it; NULL: deleted
    counted_in BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_conversations PRIMARY KEY (id),
    CONSTRAINT uq_conversations_uuid UNIQUE (uuid),
    CONSTRAINT fk_conversations_user_id_users FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT fk_conversations_group_id_chat_groups FOREIGN KEY(group_id) REFERENCES chat_groups (id),
    CONSTRAINT fk_conversations_api_key_id_api_keys FOREIGN KEY(api_key_id) REFERENCES api_keys (id),
    CONSTRAINT fk_conversations_prompt_id_prompts FOREIGN KEY(prompt_id) REFERENCES prompts (id)
);

CREATE INDEX ix_conversations_group_id ON conversations (group_id, status, updated_at);

CREATE INDEX ix_conversations_user_id_updated ON conversations (user_id, status, pinned, updated_at, id);

-- The nodes of the trees; siblings of one role are versions of each other
CREATE TABLE messages (
    id BIGSERIAL NOT NULL,
    uuid VARCHAR(36) NOT NULL,
    user_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    -- NULL: a root
    parent_id BIGINT,
    -- how many ancestors
    depth INTEGER DEFAULT '0' NOT NULL,
    -- whether the active branch leads through this message
    on_branch BOOLEAN DEFAULT true NOT NULL,
    -- user, assistant, system, tool
    role VARCHAR(20) NOT NULL,
    content TEXT NOT NULL,
    -- what the model thought, where it shows that
    reasoning TEXT,
    -- milliseconds that it thought, where that was seen
    reasoning_ms INTEGER,
    -- milliseconds from created_at to its first word
    first_token_ms INTEGER,
    -- milliseconds from created_at to its end
    duration_ms INTEGER,
    -- text, image, file
    message_type VARCHAR(20) DEFAULT 'text' NOT NULL,
    message_metadata JSON,
    files JSON,
    model_id VARCHAR(255),
    token_count INTEGER DEFAULT '0' NOT NULL,
    character_count INTEGER DEFAULT '0' NOT NULL,
    -- complete, streaming, cancelled, interrupted, failed
    state VARCHAR(20) DEFAULT 'complete' NOT NULL,
    -- why it failed: a stable code
    error VARCHAR(50),
    -- what the sentence for the code is filled with
    error_values JSON,
    -- in the provider's words
    finish_reason VARCHAR(50),
    -- active, deleted
    status VARCHAR(20) DEFAULT 'active' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_messages PRIMARY KEY (id),
    CONSTRAINT uq_messages_uuid UNIQUE (uuid),
    CONSTRAINT fk_messages_user_id_users FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT fk_messages_conversation_id_conversations FOREIGN KEY(conversation_id) REFERENCES conversations (id),
    CONSTRAINT fk_messages_parent_id_messages FOREIGN KEY(parent_id) REFERENCES messages (id)
);

CREATE INDEX ix_messages_branch ON messages (conversation_id, on_branch, status, depth);

CREATE INDEX ix_messages_parent_id ON messages (parent_id, conversation_id);

CREATE INDEX ix_messages_user_id_created ON messages (user_id, created_at);

CREATE INDEX ix_messages_with_files ON messages (user_id) WHERE files IS NOT NULL;

-- Conversations that are read without an account
CREATE TABLE shares (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    -- whoever knows it may read
    token VARCHAR(64) NOT NULL,
    -- when it was shared
    title VARCHAR(255) NOT NULL,
    -- HTML, as it was when it was shared
    page TEXT NOT NULL,
    -- uuids of the files that it shows
    pictures JSON NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_shares PRIMARY KEY (id),
    CONSTRAINT fk_shares_user_id_users FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT uq_shares_conversation_id UNIQUE (conversation_id),
    CONSTRAINT fk_shares_conversation_id_conversations FOREIGN KEY(conversation_id) REFERENCES conversations (id),
    CONSTRAINT uq_shares_token UNIQUE (token)
);

CREATE INDEX ix_shares_user_id ON shares (user_id);

-- Runs of a model
CREATE TABLE generations (
    id BIGSERIAL NOT NULL,
    -- task_id on the wire
    uuid VARCHAR(36) NOT NULL,
    user_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    user_message_id BIGINT NOT NULL,
    -- the reply
    message_id BIGINT NOT NULL,
    model_id VARCHAR(255) NOT NULL,
    provider VARCHAR(255) NOT NULL,
    -- NULL: the operator's
    connection_id BIGINT,
    -- zh, en: of the sentences in its events
    language VARCHAR(5) NOT NULL,
    -- as messages.state; leaves streaming once
    state VARCHAR(20) NOT NULL,
    error VARCHAR(50),
    error_values JSON,
    finish_reason VARCHAR(50),
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    -- the process that may write to it
    owner VARCHAR(36) NOT NULL,
    -- after this moment recovery takes it over
    lease_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    cancel_requested_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    -- milliseconds from created_at
    first_token_ms INTEGER,
    -- milliseconds from created_at to the end of the reply
    total_ms INTEGER,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_generations PRIMARY KEY (id),
    CONSTRAINT uq_generations_uuid UNIQUE (uuid),
    CONSTRAINT fk_generations_user_id_users FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT fk_generations_conversation_id_conversations FOREIGN KEY(conversation_id) REFERENCES conversations (id),
    CONSTRAINT fk_generations_user_message_id_messages FOREIGN KEY(user_message_id) REFERENCES messages (id),
    CONSTRAINT fk_generations_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id),
    CONSTRAINT fk_generations_connection_id_api_keys FOREIGN KEY(connection_id) REFERENCES api_keys (id)
);

CREATE INDEX ix_generations_conversation_id ON generations (conversation_id);

CREATE INDEX ix_generations_finished ON generations (finished_at);

CREATE INDEX ix_generations_message_id ON generations (message_id);

CREATE INDEX ix_generations_state ON generations (state, lease_expires_at);

CREATE INDEX ix_generations_user_id_created ON generations (user_id, created_at);

CREATE INDEX ix_generations_user_message_id ON generations (user_message_id);

-- Texts that messages had before they were edited in place
CREATE TABLE message_revisions (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    content TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_message_revisions PRIMARY KEY (id),
    CONSTRAINT fk_message_revisions_user_id_users FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT fk_message_revisions_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id)
);

CREATE INDEX ix_message_revisions_message_id ON message_revisions (message_id);

-- The journal of the runs
CREATE TABLE generation_events (
    generation_id BIGINT NOT NULL,
    -- from 1, without gaps
    seq INTEGER NOT NULL,
    -- the JSON of one event, as the wire sends it
    payload TEXT NOT NULL,
    CONSTRAINT pk_generation_events PRIMARY KEY (generation_id, seq),
    CONSTRAINT fk_generation_events_generation_id_generations FOREIGN KEY(generation_id) REFERENCES generations (id)
);

INSERT INTO users (id, uuid, name, created_at) VALUES (1, CAST(gen_random_uuid() AS TEXT), 'local', now());

INSERT INTO chat_groups (id, user_id, name, sort, is_default, status, created_at, updated_at) SELECT coalesce(max(id), 0) + 1, 1, '默认分组', 0, true, 'active', now(), now() FROM chat_groups;

CREATE TABLE message_documents_0 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (0);

CREATE STATISTICS message_documents_0_owners ON (user_id & 15) FROM message_documents_0;

CREATE TABLE message_documents_1 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (1);

CREATE STATISTICS message_documents_1_owners ON (user_id & 15) FROM message_documents_1;

CREATE TABLE message_documents_2 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (2);

CREATE STATISTICS message_documents_2_owners ON (user_id & 15) FROM message_documents_2;

CREATE TABLE message_documents_3 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (3);

CREATE STATISTICS message_documents_3_owners ON (user_id & 15) FROM message_documents_3;

CREATE TABLE message_documents_4 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (4);

CREATE STATISTICS message_documents_4_owners ON (user_id & 15) FROM message_documents_4;

CREATE TABLE message_documents_5 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (5);

CREATE STATISTICS message_documents_5_owners ON (user_id & 15) FROM message_documents_5;

CREATE TABLE message_documents_6 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (6);

CREATE STATISTICS message_documents_6_owners ON (user_id & 15) FROM message_documents_6;

CREATE TABLE message_documents_7 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (7);

CREATE STATISTICS message_documents_7_owners ON (user_id & 15) FROM message_documents_7;

CREATE TABLE message_documents_8 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (8);

CREATE STATISTICS message_documents_8_owners ON (user_id & 15) FROM message_documents_8;

CREATE TABLE message_documents_9 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (9);

CREATE STATISTICS message_documents_9_owners ON (user_id & 15) FROM message_documents_9;

CREATE TABLE message_documents_10 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (10);

CREATE STATISTICS message_documents_10_owners ON (user_id & 15) FROM message_documents_10;

CREATE TABLE message_documents_11 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (11);

CREATE STATISTICS message_documents_11_owners ON (user_id & 15) FROM message_documents_11;

CREATE TABLE message_documents_12 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (12);

CREATE STATISTICS message_documents_12_owners ON (user_id & 15) FROM message_documents_12;

CREATE TABLE message_documents_13 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (13);

CREATE STATISTICS message_documents_13_owners ON (user_id & 15) FROM message_documents_13;

CREATE TABLE message_documents_14 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (14);

CREATE STATISTICS message_documents_14_owners ON (user_id & 15) FROM message_documents_14;

CREATE TABLE message_documents_15 PARTITION OF message_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (15);

CREATE STATISTICS message_documents_15_owners ON (user_id & 15) FROM message_documents_15;

CREATE INDEX message_terms ON message_documents USING gin ((ARRAY['user' || CAST(message_documents.user_id AS TEXT)] || string_to_array(translate(message_documents.text COLLATE "C", ' 0123456789abcdefghijklmnopqrstuvwxyz', ''), NULL) || string_to_array(regexp_replace(regexp_replace(message_documents.text COLLATE "C", '[^0-9a-z\u00df-\u00f6\u00f8-\u036f\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab6f]+', ' ', 'g'), '..', '\&|', 'g'), '|') || string_to_array(regexp_replace((' ' || regexp_replace(message_documents.text COLLATE "C", '[^0-9a-z\u00df-\u00f6\u00f8-\u036f\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab6f]+', ' ', 'g')), '..', '\&|', 'g'), '|'))) WITH (gin_pending_list_limit = 256);

CREATE TABLE conversation_documents_0 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (0);

CREATE STATISTICS conversation_documents_0_owners ON (user_id & 15) FROM conversation_documents_0;

CREATE TABLE conversation_documents_1 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (1);

CREATE STATISTICS conversation_documents_1_owners ON (user_id & 15) FROM conversation_documents_1;

CREATE TABLE conversation_documents_2 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (2);

CREATE STATISTICS conversation_documents_2_owners ON (user_id & 15) FROM conversation_documents_2;

CREATE TABLE conversation_documents_3 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (3);

CREATE STATISTICS conversation_documents_3_owners ON (user_id & 15) FROM conversation_documents_3;

CREATE TABLE conversation_documents_4 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (4);

CREATE STATISTICS conversation_documents_4_owners ON (user_id & 15) FROM conversation_documents_4;

CREATE TABLE conversation_documents_5 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (5);

CREATE STATISTICS conversation_documents_5_owners ON (user_id & 15) FROM conversation_documents_5;

CREATE TABLE conversation_documents_6 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (6);

CREATE STATISTICS conversation_documents_6_owners ON (user_id & 15) FROM conversation_documents_6;

CREATE TABLE conversation_documents_7 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (7);

CREATE STATISTICS conversation_documents_7_owners ON (user_id & 15) FROM conversation_documents_7;

CREATE TABLE conversation_documents_8 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (8);

CREATE STATISTICS conversation_documents_8_owners ON (user_id & 15) FROM conversation_documents_8;

CREATE TABLE conversation_documents_9 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (9);

CREATE STATISTICS conversation_documents_9_owners ON (user_id & 15) FROM conversation_documents_9;

CREATE TABLE conversation_documents_10 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (10);

CREATE STATISTICS conversation_documents_10_owners ON (user_id & 15) FROM conversation_documents_10;

CREATE TABLE conversation_documents_11 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (11);

CREATE STATISTICS conversation_documents_11_owners ON (user_id & 15) FROM conversation_documents_11;

CREATE TABLE conversation_documents_12 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (12);

CREATE STATISTICS conversation_documents_12_owners ON (user_id & 15) FROM conversation_documents_12;

CREATE TABLE conversation_documents_13 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (13);

CREATE STATISTICS conversation_documents_13_owners ON (user_id & 15) FROM conversation_documents_13;

CREATE TABLE conversation_documents_14 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (14);

CREATE STATISTICS conversation_documents_14_owners ON (user_id & 15) FROM conversation_documents_14;

CREATE TABLE conversation_documents_15 PARTITION OF conversation_documents (PRIMARY KEY (user_id, id)) FOR VALUES IN (15);

CREATE STATISTICS conversation_documents_15_owners ON (user_id & 15) FROM conversation_documents_15;

CREATE INDEX conversation_terms ON conversation_documents USING gin ((ARRAY['user' || CAST(conversation_documents.user_id AS TEXT)] || string_to_array(translate(conversation_documents.text COLLATE "C", ' 0123456789abcdefghijklmnopqrstuvwxyz', ''), NULL) || string_to_array(regexp_replace(regexp_replace(conversation_documents.text COLLATE "C", '[^0-9a-z\u00df-\u00f6\u00f8-\u036f\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab6f]+', ' ', 'g'), '..', '\&|', 'g'), '|') || string_to_array(regexp_replace((' ' || regexp_replace(conversation_documents.text COLLATE "C", '[^0-9a-z\u00df-\u00f6\u00f8-\u036f\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab6f]+', ' ', 'g')), '..', '\&|', 'g'), '|'))) WITH (gin_pending_list_limit = 256);

INSERT INTO search_index (kind, version) VALUES ('messages', 4);

INSERT INTO search_index (kind, version) VALUES ('conversations', 4);

SELECT setval('users_id_seq', greatest((SELECT coalesce(max(id), 0) + 1 FROM users), (SELECT last_value + CAST(is_called AS INTEGER) FROM users_id_seq)), false);

SELECT setval('chat_groups_id_seq', greatest((SELECT coalesce(max(id), 0) + 1 FROM chat_groups), (SELECT last_value + CAST(is_called AS INTEGER) FROM chat_groups_id_seq)), false);

INSERT INTO alembic_version (version_num) VALUES ('duihua_0001') RETURNING alembic_version.version_num;

COMMIT;
