"""`/chat/events`."""

from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.responses import Response, StreamingResponse

from duihua.auth.dependencies import User
from duihua.generation.dependencies import RequestedPlace
from duihua.generation.event_stream import HEADERS
from duihua.http.event_streams import events
from duihua.http.routing import feature_router
from duihua.live.follow import Live

router = feature_router("/chat", "events")
_STREAM = events("docs/events.md")


async def _live(request: Request) -> Live:
    return cast(Live, request.app.state.live)


@router.get("/events", response_class=StreamingResponse, status_code=200, responses=_STREAM)
async def follow_changes(
    live: Annotated[Live, Depends(_live)], user: User, after: RequestedPlace
) -> Response:
    """Follow what changes in the caller's archive, on any device: from now on, or after `Last-Event-ID`."""
    return StreamingResponse(live.follow(user.id, after), headers=HEADERS)
