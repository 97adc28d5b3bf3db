"""What ties rows together: the local user, the default group, branches and counts."""

import sqlalchemy as sa

from chat_models_0001.casts import NEW_UUID, NOW, UNKNOWN_MOMENT

_DEFAULT_GROUP = "默认分组"
_OLDEST_DEFAULT = (
    f"SELECT id FROM chat_groups WHERE is_default OR trim(name) = '{_DEFAULT_GROUP}' "
    "ORDER BY is_default DESC, status, created_at, id LIMIT 1"
)
# Deleted messages are nodes too, and the last one may be the leaf: only counts and previews pass them over.
_BRANCHES = (
    "UPDATE messages SET parent_id = ordered.parent, depth = ordered.place "
    "FROM (SELECT id, lag(id) OVER in_time AS parent, row_number() OVER in_time - 1 AS place FROM messages "
    "WINDOW in_time AS (PARTITION BY conversation_id ORDER BY created_at, id)) AS ordered "
    "WHERE ordered.id = messages.id",
    "UPDATE conversations SET active_leaf_id = newest.id "
    "FROM (SELECT id, conversation_id, row_number() OVER (PARTITION BY conversation_id ORDER BY depth DESC) "
    "AS place FROM messages) AS newest "
    "WHERE newest.conversation_id = conversations.id AND newest.place = 1",
    "UPDATE conversations SET message_count = newest.visible, last_message = substr(newest.content, 1, 200) "
    "FROM (SELECT ranked.conversation_id, ranked.visible, messages.content FROM (SELECT id, conversation_id, "
    "count(*) OVER (PARTITION BY conversation_id) AS visible, "
    "row_number() OVER (PARTITION BY conversation_id ORDER BY depth DESC) AS place "
    "FROM messages WHERE status = 'active') AS ranked "
    "JOIN messages ON messages.id = ranked.id WHERE ranked.place = 1) AS newest "
    "WHERE newest.conversation_id = conversations.id",
)


def local_user(dialect: str) -> str:
    """SQL that makes user 1, who owns every row where there are no accounts."""
    return (
        "INSERT INTO users (id, uuid, name, created_at) "
        f"VALUES (1, {NEW_UUID[dialect]}, 'local', {NOW[dialect]})"
    )


def default_group(dialect: str) -> str:
    """SQL that makes the default group."""
    return (
        "INSERT INTO chat_groups (id, user_id, name, sort, is_default, status, created_at, updated_at) "
        f"SELECT coalesce(max(id), 0) + 1, 1, '{_DEFAULT_GROUP}', 0, true, 'active', "
        f"{NOW[dialect]}, {NOW[dialect]} FROM chat_groups"
    )


def link(connection: sa.Connection) -> None:
    """Complete the rows that were taken over."""
    dialect = connection.dialect.name
    _choose_default_group(connection, dialect)
    for statement in (*_orphans(dialect), *_moments(dialect), *_BRANCHES):
        connection.exec_driver_sql(statement)


def _choose_default_group(connection: sa.Connection, dialect: str) -> None:
    chosen = connection.exec_driver_sql(_OLDEST_DEFAULT).scalar()
    if chosen is None:
        connection.exec_driver_sql(default_group(dialect))
        chosen = connection.exec_driver_sql(_OLDEST_DEFAULT).scalar_one()
    connection.exec_driver_sql(f"UPDATE chat_groups SET is_default = (id = {chosen})")
    connection.exec_driver_sql(
        f"UPDATE chat_groups SET status = 'active', deleted_at = NULL WHERE id = {chosen}"
    )


def _orphans(dialect: str) -> tuple[str, ...]:
    """A key or prompt that is gone becomes none, a group the default one, a conversation is made again."""
    group = "(SELECT id FROM chat_groups WHERE is_default)"
    free_id = (
        "(SELECT 1 + max(id) FROM (SELECT max(id) AS id FROM conversations "
        "UNION ALL SELECT max(conversation_id) FROM messages) AS used)"
    )
    return (
        f"UPDATE conversations SET group_id = {group} "
        "WHERE group_id NOT IN (SELECT id FROM chat_groups WHERE status = 'active')",
        "UPDATE conversations SET api_key_id = NULL WHERE api_key_id NOT IN (SELECT id FROM api_keys)",
        "UPDATE conversations SET prompt_id = NULL WHERE prompt_id NOT IN (SELECT id FROM prompts)",
        # 0 stands for none: all messages without a conversation come together in one.
        f"UPDATE messages SET conversation_id = {free_id} WHERE conversation_id = 0",
        "INSERT INTO conversations (id, uuid, user_id, group_id, title, created_at, updated_at) "
        f"SELECT id, {NEW_UUID[dialect]}, 1, {group}, '恢复的对话 #' || id, "
        f"{UNKNOWN_MOMENT[dialect]}, {UNKNOWN_MOMENT[dialect]} "
        "FROM (SELECT DISTINCT conversation_id AS id FROM messages) AS named "
        "WHERE id NOT IN (SELECT id FROM conversations)",
    )


def _moments(dialect: str) -> tuple[str, ...]:
    """A better guess for every moment that is not known."""
    unknown, now = UNKNOWN_MOMENT[dialect], NOW[dialect]
    return (
        # A message comes after those of its conversation that have smaller ids.
        "UPDATE messages SET created_at = earlier.latest FROM (SELECT id, max(created_at) OVER "
        "(PARTITION BY conversation_id ORDER BY id ROWS UNBOUNDED PRECEDING) AS latest FROM messages "
        f"WHERE conversation_id IN (SELECT conversation_id FROM messages WHERE created_at = {unknown})) "
        f"AS earlier WHERE earlier.id = messages.id AND created_at = {unknown}",
        "UPDATE conversations SET created_at = known.first, updated_at = known.last "
        "FROM (SELECT conversation_id, min(created_at) AS first, max(created_at) AS last FROM messages "
        f"WHERE created_at <> {unknown} GROUP BY conversation_id) AS known "
        f"WHERE known.conversation_id = conversations.id AND created_at = {unknown}",
        *(
            f"UPDATE {table} SET created_at = {now} WHERE created_at = {unknown}"
            for table in ("api_keys", "prompts", "chat_groups", "conversations")
        ),
        "UPDATE messages SET created_at = conversations.created_at FROM conversations "
        f"WHERE conversations.id = messages.conversation_id AND messages.created_at = {unknown}",
        *(
            f"UPDATE {table} SET updated_at = created_at WHERE updated_at = {unknown}"
            for table in ("api_keys", "prompts", "chat_groups", "conversations", "messages")
        ),
        *(
            f"UPDATE {table} SET deleted_at = updated_at WHERE deleted_at = {unknown}"
            for table in ("prompts", "chat_groups", "conversations", "messages")
        ),
    )
