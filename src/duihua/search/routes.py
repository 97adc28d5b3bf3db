"""`/chat/search`."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.http.envelope import Answer
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.schemas.base import Envelope
from duihua.schemas.search import SearchQuery, SearchResponse
from duihua.search import service

router = feature_router("/chat/search", "search")


@router.get("", response_model=Envelope[SearchResponse])
async def search(db: Db, user: User, query: Annotated[SearchQuery, Query()]) -> Response:
    """Find conversations by title and description, and messages by text, on every branch."""
    return Answer(await service.find(db, user.id, query))
