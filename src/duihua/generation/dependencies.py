"""The engine, and what a request brings to a generation, as dependencies of routes."""

from typing import Annotated, NamedTuple, cast

from fastapi import Depends, Query, Request

from duihua.auth.dependencies import User
from duihua.core.config import Config
from duihua.core.errors import InvalidInput
from duihua.db.session import Database
from duihua.files.showing import Showing
from duihua.generation.engine import Engine
from duihua.generation.starting import Caller
from duihua.http.envelope import scope_language
from duihua.http.idempotency import retry_key

_LAST_EVENT_ID = "last-event-id"


async def _engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.engine)


class Asking(NamedTuple):
    """What it takes to begin a reply, and who asks for one."""

    db: Database
    engine: Engine
    caller: Caller
    most_chars: int


async def _asking(request: Request, user: User) -> Asking:
    # One dependency: to have FastAPI find eight costs a twentieth of the time to the first token.
    state = request.app.state
    config: Config = state.config
    await state.registry.listed()
    caller = Caller(
        user.id,
        scope_language(request.scope),
        await retry_key(request),
        state.catalogue.resolve,
        state.engine.owner,
        Showing(state.storage, config.max_file_chars),
        state.catalogue.sees,
    )
    return Asking(state.database, state.engine, caller, config.max_message_chars)


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
ReplyAsked = Annotated[Asking, Depends(_asking)]
RequestedPlace = Annotated[int | None, Depends(_requested_place)]


async def _resume_after(place: RequestedPlace) -> int:
    return place or 0


ResumeAfter = Annotated[int, Depends(_resume_after)]
