"""`/chat/groups`."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.groups import service
from duihua.http.envelope import Answer
from duihua.http.idempotency import Retry, write_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.realtime.bus import Withdrawn
from duihua.realtime.dependencies import AppBus
from duihua.schemas.base import Envelope
from duihua.schemas.group import (
    ChatGroupCreate,
    ChatGroupDeletion,
    ChatGroupQuery,
    ChatGroupResponse,
    ChatGroupUpdate,
)

router = feature_router("/chat/groups", "groups")
GroupId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", response_model=Envelope[list[ChatGroupResponse]])
async def list_groups(db: Db, user: User, query: Annotated[ChatGroupQuery, Query()]) -> Response:
    """All groups, by `sort` and age, each with its newest conversations (at most 100)."""
    return Answer(await service.listing(db, user.id, with_conversations=query.include_chats))


@router.post("", response_model=Envelope[ChatGroupResponse])
async def create_group(db: Db, user: User, retry: Retry, new: ChatGroupCreate) -> Response:
    """Create a group."""
    return Answer(await write_once(db, user.id, retry, service.create, new), "created")


@router.put("/{group_id}", response_model=Envelope[ChatGroupResponse])
async def update_group(db: Db, user: User, group_id: GroupId, wanted: ChatGroupUpdate) -> Response:
    """Change what is named; an explicit null clears."""
    return Answer(await db.write(service.change, user.id, group_id, wanted), "updated")


@router.delete("/{group_id}", response_model=Envelope[None])
async def delete_group(
    db: Db, user: User, bus: AppBus, group_id: GroupId, query: Annotated[ChatGroupDeletion, Query()]
) -> Response:
    """Delete a group; its conversations move to the default group, or are deleted with `deleteChats`."""
    deleted = await db.write(service.delete, user.id, group_id, with_conversations=query.delete_chats)
    bus.publish(Withdrawn(deleted))
    return Answer(None, "deleted")
