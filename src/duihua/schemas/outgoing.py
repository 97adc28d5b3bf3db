"""Rows as the wire shows them; the shapes are those that `duihua.schemas` documents."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from duihua.core.clock import iso
from duihua.core.i18n import Language, translate
from duihua.models import ChatGroup, Connection, Conversation, File, Message, Prompt

PREVIEW_CHARS = 200
_LONGEST_WAIT_SECONDS = 86_400


def preview(content: str) -> str:
    """The beginning of a message, for lists."""
    return content[:PREVIEW_CHARS]


def conversation(row: Conversation) -> dict[str, Any]:
    """A `ConversationResponse`."""
    return {
        "id": row.id,
        "uuid": row.uuid,
        "title": row.title,
        "description": row.description,
        "group_id": row.group_id,
        "model_id": row.model_id,
        "api_key_id": row.api_key_id,
        "prompt_id": row.prompt_id,
        "config": row.config or {},
        "message_count": row.message_count,
        "last_message": row.last_message,
        "pinned": row.pinned,
        "status": row.status,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def group(row: ChatGroup, conversation_count: int) -> dict[str, Any]:
    """A `ChatGroupResponse`, without its conversations."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "color": row.color,
        "sort": row.sort,
        "is_default": int(row.is_default),
        "status": row.status,
        "conversation_count": conversation_count,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def connection(row: Connection, masked_key: str | None) -> dict[str, Any]:
    """A `ConnectionResponse`."""
    return {
        "id": row.id,
        "api_key": masked_key,
        "model_name": row.model_name,
        "model_url": row.model_url,
        "provider": row.provider,
        "description": row.description,
        "status": row.status,
        "config": row.config or {},
        "max_tokens": row.max_tokens,
        "timeout": row.timeout,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def prompt(row: Prompt, placeholders: Sequence[str]) -> dict[str, Any]:
    """A `PromptResponse`. Older rows may hold other JSON than today's clients expect."""
    return {
        "id": row.id,
        "title": row.title,
        "category": row.category,
        "content": row.content,
        "placeholders": placeholders,
        "description": row.description,
        "tags": [tag for tag in row.tags if isinstance(tag, str)] if isinstance(row.tags, list) else [],
        "is_public": row.is_public,
        "variables": row.variables if row.variables is not None else {},
        "config": row.config if isinstance(row.config, dict) else {},
        "sort": row.sort,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def attached_file(row: File) -> dict[str, Any]:
    """A file as messages list it."""
    return {
        "id": row.uuid,
        "name": row.name,
        "size": row.size,
        "content_type": row.content_type,
        "url": f"/chat/files/{row.uuid}/content",
    }


def file(row: File) -> dict[str, Any]:
    """A `FileResponse`."""
    return attached_file(row) | {
        "kind": "image" if row.character_count is None else "document",
        "character_count": row.character_count,
        "is_cut": row.is_cut,
        "sha256": row.sha256,
        "created_at": iso(row.created_at),
    }


def message(
    row: Message, chat_uuid: str, *, parent: str | None, versions: Sequence[str], language: Language
) -> dict[str, Any]:
    """A `MessageResponse`; `versions` are the uuids of its visible siblings and itself, oldest first."""
    failure = translate(row.error, language, **(row.error_values or {})) if row.error else None
    return {
        "id": row.id,
        "uuid": row.uuid,
        "chat_id": chat_uuid,
        "parent_id": parent,
        "role": row.role,
        "content": row.content,
        "reasoning": row.reasoning,
        "reasoning_ms": row.reasoning_ms,
        "first_token_ms": row.first_token_ms,
        "duration_ms": row.duration_ms,
        "message_type": row.message_type,
        "message_metadata": row.message_metadata,
        "files": row.files or [],
        "model_id": row.model_id,
        "token_count": row.token_count,
        "character_count": row.character_count,
        "state": row.state,
        "error": row.error,
        "error_message": failure,
        "error_details": _error_details(row),
        "retry_at": _retry_at(row),
        "finish_reason": row.finish_reason,
        "version": {
            "index": versions.index(row.uuid) + 1,
            "count": len(versions),
            "uuids": list(versions),
        },
        "task_id": None,
        "last_event_id": None,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def _error_details(row: Message) -> dict[str, Any] | None:
    values = row.error_values or {}
    if row.error is None or "provider" not in values:
        return None
    kinds = {"provider": str, "model": str, "upstream_status": int, "reason": str}
    told = {name: values.get(name) for name in kinds}
    # Imported rows may hold any JSON.
    return {name: value or None if isinstance(value, kinds[name]) else None for name, value in told.items()}


def _retry_at(row: Message) -> str | None:
    seconds = (row.error_values or {}).get("retry_after")
    # Imported rows may hold any JSON.
    if not isinstance(seconds, int) or not 0 <= seconds <= _LONGEST_WAIT_SECONDS:
        return None
    return iso(row.updated_at + timedelta(seconds=seconds))
