"""`/chat/trash`."""

from typing import Annotated

from fastapi import Query
from starlette.background import BackgroundTask
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.files.dependencies import AppRemovals
from duihua.http.envelope import Answer
from duihua.http.idempotency import Retry, write_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.schemas.base import Envelope, PageQuery, PageResponse
from duihua.schemas.trash import (
    TrashedConversation,
    TrashPurge,
    TrashPurged,
    TrashRestore,
    TrashRestored,
)
from duihua.trash import service

router = feature_router("/chat/trash", "trash")


@router.get("", response_model=Envelope[PageResponse[TrashedConversation]])
async def list_trash(db: Db, user: User, query: Annotated[PageQuery, Query()]) -> Response:
    """A page of the deleted conversations, the last deleted first."""
    return Answer(await db.read(service.listing, user.id, query))


@router.post("/restore", response_model=Envelope[TrashRestored])
async def restore(db: Db, user: User, retry: Retry, wanted: TrashRestore) -> Response:
    """Bring conversations back as they were: into their group, or the default one where that is gone."""
    return Answer(await write_once(db, user.id, retry, service.restore, wanted.ids), "restored")


@router.delete("", response_model=Envelope[TrashPurged])
async def purge(db: Db, user: User, removals: AppRemovals, wanted: TrashPurge) -> Response:
    """Remove deleted conversations for good, with all that belongs to them. This cannot be undone."""
    ids = None if wanted.all else wanted.ids
    answer = Answer(await db.write(service.purge, user.id, ids), "purged")
    answer.background = BackgroundTask(removals.remove_purged)
    return answer
