"""`/chat/conversations`."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.conversations import service
from duihua.http.envelope import Answer
from duihua.http.idempotency import Retry, write_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.realtime.bus import Withdrawn
from duihua.realtime.dependencies import AppBus
from duihua.schemas.base import Envelope, PageResponse, Reference
from duihua.schemas.conversation import (
    BatchDeletion,
    BatchMove,
    BatchStatus,
    ConversationBatch,
    ConversationBatchMove,
    ConversationBatchStatus,
    ConversationCreate,
    ConversationMove,
    ConversationQuery,
    ConversationResponse,
    ConversationUpdate,
)

router = feature_router("/chat/conversations", "conversations")
ChatId = Annotated[Reference, Path(description="uuid, or the integer id")]
# The fixed paths come first: /batch and /list are no ids.


@router.get("/list", response_model=Envelope[PageResponse[ConversationResponse]])
async def list_conversations(db: Db, user: User, query: Annotated[ConversationQuery, Query()]) -> Response:
    """A page of conversations: pinned first, then newest activity."""
    return Answer(await db.read(service.listing, user.id, query))


@router.post("", response_model=Envelope[ConversationResponse])
async def create_conversation(db: Db, user: User, retry: Retry, new: ConversationCreate) -> Response:
    """Create a conversation."""
    return Answer(await write_once(db, user.id, retry, service.create, new), "created")


@router.delete("/batch", response_model=Envelope[BatchDeletion])
async def delete_conversations(db: Db, user: User, bus: AppBus, batch: ConversationBatch) -> Response:
    """Delete several; `missing` lists those that were not there."""
    report, deleted = await db.write(service.delete_many, user.id, batch.ids)
    bus.publish(Withdrawn(deleted))
    return Answer(report, "deleted")


@router.put("/batch/move", response_model=Envelope[BatchMove])
async def move_conversations(db: Db, user: User, wanted: ConversationBatchMove) -> Response:
    """Put several into a group; `missing` lists those that were not there."""
    report = await db.write(service.move_many, user.id, wanted.chat_ids, wanted.target_group_id)
    return Answer(report, "moved")


@router.put("/batch/status", response_model=Envelope[BatchStatus])
async def shelve_conversations(db: Db, user: User, wanted: ConversationBatchStatus) -> Response:
    """Archive several, or take them back; `missing` lists those that were not there."""
    return Answer(await db.write(service.shelve_many, user.id, wanted.chat_ids, wanted.status), "updated")


@router.get("/{chat_id}", response_model=Envelope[ConversationResponse])
async def get_conversation(db: Db, user: User, chat_id: ChatId) -> Response:
    """One conversation."""
    return Answer(await db.read(service.one, user.id, chat_id))


@router.put("/{chat_id}", response_model=Envelope[ConversationResponse])
async def update_conversation(db: Db, user: User, chat_id: ChatId, wanted: ConversationUpdate) -> Response:
    """Change what is named; an explicit null clears."""
    return Answer(await db.write(service.change, user.id, chat_id, wanted), "updated")


@router.delete("/{chat_id}", response_model=Envelope[None])
async def delete_conversation(db: Db, user: User, bus: AppBus, chat_id: ChatId) -> Response:
    """Delete a conversation; a reply that is being generated for it is stopped."""
    bus.publish(Withdrawn([await db.write(service.delete, user.id, chat_id)]))
    return Answer(None, "deleted")


@router.delete("/{chat_id}/messages", response_model=Envelope[None])
async def clear_messages(db: Db, user: User, bus: AppBus, chat_id: ChatId) -> Response:
    """Delete all messages of a conversation."""
    bus.publish(Withdrawn([await db.write(service.clear, user.id, chat_id)]))
    return Answer(None, "cleared")


@router.put("/{chat_id}/move", response_model=Envelope[ConversationResponse])
async def move_conversation(db: Db, user: User, chat_id: ChatId, wanted: ConversationMove) -> Response:
    """Put a conversation into a group."""
    return Answer(await db.write(service.move, user.id, chat_id, wanted.group_id), "moved")
