"""The engine, and what a request brings to a generation, as dependencies of routes."""

from typing import Annotated, cast

from fastapi import Depends, Query, Request

from duihua.auth.dependencies import User
from duihua.connections.dependencies import AppCatalogue
from duihua.core.errors import InvalidInput
from duihua.files.showing import Showing
from duihua.generation.engine import Engine
from duihua.generation.starting import Caller
from duihua.http.envelope import RequestLanguage
from duihua.http.idempotency import Retry

_LAST_EVENT_ID = "last-event-id"


async def _engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.engine)


async def _caller(
    request: Request, user: User, language: RequestLanguage, retry: Retry, catalogue: AppCatalogue
) -> Caller:
    state = request.app.state
    showing = Showing(state.storage, state.config.max_file_chars)
    owner = state.engine.owner
    return Caller(user.id, language, retry, catalogue.resolve, owner, showing, catalogue.sees)


async def _requested_place(
    request: Request,
    last_event_id: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="like the header")] = None,
) -> int | None:
    """The event after which to go on: the `Last-Event-ID` header, else the query; None: neither."""
    sent = request.headers.getlist(_LAST_EVENT_ID)
    if not sent:
        return last_event_id
    if len(set(sent)) > 1 or not (sent[0].isascii() and sent[0].isdigit() and len(sent[0]) <= 10):
        raise InvalidInput(field=f"header.{_LAST_EVENT_ID}", reason="is no number of an event")
    return int(sent[0])


AppEngine = Annotated[Engine, Depends(_engine)]
RequestCaller = Annotated[Caller, Depends(_caller)]
RequestedPlace = Annotated[int | None, Depends(_requested_place)]


async def _resume_after(place: RequestedPlace) -> int:
    return place or 0


ResumeAfter = Annotated[int, Depends(_resume_after)]
