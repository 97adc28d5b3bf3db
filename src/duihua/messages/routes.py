"""`/chat/messages` and a conversation's messages: what needs no model. Sending lives in `generation`."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.http.envelope import Answer, RequestLanguage
from duihua.http.idempotency import Retry, write_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.messages import forking, service
from duihua.schemas.base import Envelope, PageResponse, Reference
from duihua.schemas.conversation import ConversationResponse
from duihua.schemas.message import MessageQuery, MessageResponse

router = feature_router("/chat", "messages")
ChatId = Annotated[Reference, Path(description="uuid, or the integer id")]
MessageId = Annotated[Reference, Path(description="uuid, or the integer id")]


@router.get("/conversations/{chat_id}/messages", response_model=Envelope[PageResponse[MessageResponse]])
async def list_messages(
    db: Db, user: User, language: RequestLanguage, chat_id: ChatId, query: Annotated[MessageQuery, Query()]
) -> Response:
    """A page of the active branch, oldest first."""
    return Answer(await db.read(service.listing, user.id, chat_id, query, language))


@router.delete("/messages/{message_id}", response_model=Envelope[None])
async def delete_message(db: Db, user: User, message_id: MessageId) -> Response:
    """Delete one message; the rest of the conversation stays in order."""
    await db.write(service.delete, user.id, message_id)
    return Answer(None, "deleted")


@router.put("/messages/{message_id}/activate", response_model=Envelope[MessageResponse])
async def activate_message(db: Db, user: User, language: RequestLanguage, message_id: MessageId) -> Response:
    """Show the branch of this version."""
    return Answer(await db.write(service.activate, user.id, message_id, language), "activated")


@router.put("/messages/{message_id}/restore", response_model=Envelope[MessageResponse])
async def restore_message(db: Db, user: User, language: RequestLanguage, message_id: MessageId) -> Response:
    """Bring back a deleted message where it stood."""
    return Answer(await db.write(service.restore, user.id, message_id, language), "restored")


@router.post("/messages/{message_id}/fork", response_model=Envelope[ConversationResponse])
async def fork(
    db: Db, user: User, language: RequestLanguage, retry: Retry, message_id: MessageId
) -> Response:
    """A new conversation with a copy of all that leads to this message, and of the message."""
    return Answer(await write_once(db, user.id, retry, forking.fork, message_id, language), "created")
