"""`/chat/events`."""

from typing import Annotated, Any, cast

from fastapi import Depends, Request
from starlette.responses import Response, StreamingResponse

from duihua.auth.dependencies import User
from duihua.generation.dependencies import RequestedPlace
from duihua.generation.event_stream import HEADERS
from duihua.http.routing import feature_router
from duihua.live.follow import Live

router = feature_router("/chat", "events")
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-Sent Events (docs/events.md)",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


async def _live(request: Request) -> Live:
    return cast(Live, request.app.state.live)


@router.get("/events", response_class=StreamingResponse, status_code=200, responses=_STREAM)
async def follow_changes(
    live: Annotated[Live, Depends(_live)], user: User, after: RequestedPlace
) -> Response:
    """Follow what changes in the caller's archive, on any device: from now on, or after `Last-Event-ID`."""
    return StreamingResponse(live.follow(user.id, after), headers=HEADERS)
