"""`/chat/messages`: what asks a model. Sending, streaming, cancelling, regenerating, editing."""

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.core.errors import InvalidInput
from duihua.db.session import Work
from duihua.generation import service, starting
from duihua.generation.dependencies import AppEngine, Asking, ReplyAsked, ResumeAfter
from duihua.generation.event_stream import EventStream
from duihua.generation.service import Attached
from duihua.generation.starting import Begun
from duihua.http.envelope import Answer
from duihua.http.event_streams import events
from duihua.http.idempotency import Retry, ask_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.messages import service as messages
from duihua.schemas.base import Envelope, Reference
from duihua.schemas.message import (
    MessageCreate,
    MessageEdit,
    MessageRegenerate,
    MessageResponse,
    ReplyResponse,
    StreamCancel,
)
from duihua.schemas.stream import CancelResponse, TerminateResponse
from duihua.vocabulary import MessageState

router = feature_router("/chat", "generation")
# What is said of a reply that was to stop, by its state.
_STOPPED = {MessageState.CANCELLED: "cancel_done", MessageState.STREAMING: "cancel_waits"}
TaskId = Annotated[Reference, Path(description="`X-Task-ID` of the stream")]
_STREAM = events(
    "docs/streaming.md",
    [
        *("user_message", "assistant_start", "reasoning", "chunk", "title"),
        *("complete", "cancelled", "error"),
    ],
)


@router.post("/messages", response_model=Envelope[ReplyResponse], responses=_STREAM)
async def send_message(asking: ReplyAsked, new: MessageCreate) -> Response:
    """Send a message and wait for the reply; with `stream`, like `/stream`."""
    messages.check_length(new.content, asking.most_chars)
    return await _respond(asking, await _begin(asking, starting.send, new), stream=new.stream)


@router.post("/messages/stream", response_class=EventStream, status_code=200, responses=_STREAM)
async def stream_message(asking: ReplyAsked, new: MessageCreate) -> Response:
    """Send a message and stream the reply as it is generated."""
    messages.check_length(new.content, asking.most_chars)
    return await _respond(asking, await _begin(asking, starting.send, new), stream=True)


@router.post("/messages/stream/cancel", response_model=Envelope[CancelResponse])
async def cancel_stream(
    db: Db,
    engine: AppEngine,
    user: User,
    retry: Retry,
    body: StreamCancel | None = None,
    task_id: Annotated[Reference | None, Query()] = None,
) -> Response:
    """Stop generating; what was generated is kept. `data.state` says how it ended."""
    named = {name for name in (task_id, body.task_id if body else None) if name is not None}
    if len(named) != 1:
        reason = "is given twice with different values" if named else "is required"
        raise InvalidInput(field="query.task_id", reason=reason)
    wanted = named.pop()
    ended = await ask_once(db, user.id, retry, lambda: service.cancel(db, engine, user.id, wanted))
    return Answer(ended, _STOPPED.get(ended["state"], "cancel_ended"))


@router.get("/messages/stream/{task_id}", response_class=EventStream, status_code=200, responses=_STREAM)
async def join_stream(db: Db, engine: AppEngine, user: User, task_id: TaskId, after: ResumeAfter) -> Response:
    """Follow a running or finished generation from the start, or after `Last-Event-ID`."""
    return EventStream(engine.feeds, await service.attach(db, engine, user.id, task_id, after=after))


@router.post("/messages/regenerate", response_model=Envelope[ReplyResponse], responses=_STREAM)
async def regenerate_message(asking: ReplyAsked, wanted: MessageRegenerate) -> Response:
    """Answer anew: another version beside the old ones."""
    return await _respond(asking, await _begin(asking, starting.regenerate, wanted), stream=wanted.stream)


@router.put(
    "/messages/{message_id}", response_model=Envelope[MessageResponse | ReplyResponse], responses=_STREAM
)
async def edit_message(
    asking: ReplyAsked, message_id: Annotated[Reference, Path()], wanted: MessageEdit
) -> Response:
    """Change a message's text in place; with `branch`, make a new version of a question and answer it."""
    messages.check_length(wanted.content, asking.most_chars)
    if wanted.branch:
        begun = await _begin(asking, starting.branch, message_id, wanted.content)
        return await _respond(asking, begun, stream=wanted.stream)
    caller = asking.caller
    edited = await asking.db.write(messages.edit, caller.user_id, message_id, wanted.content, caller.language)
    return Answer(edited, "updated")


@router.post("/terminate", response_model=Envelope[TerminateResponse])
async def terminate(db: Db, engine: AppEngine, user: User, retry: Retry) -> Response:
    """Stop all of the caller's running generations."""

    async def work() -> dict[str, int]:
        return {"cancelled_count": await service.terminate(db, engine, user.id)}

    return Answer(await ask_once(db, user.id, retry, work), "cancel_done")


async def _begin(asking: Asking, begin: Work[..., Begun], *args: Any) -> Attached:
    db, engine, caller, _ = asking
    return await service.start(db, engine, caller, begin, *args)


async def _respond(asking: Asking, attached: Attached, *, stream: bool) -> Response:
    db, engine, caller, _ = asking
    if stream:
        return EventStream(engine.feeds, attached)
    reply = await service.wait_for_reply(db, engine, attached, caller.user_id, caller.language)
    return Answer(reply, "sent", headers={"x-task-id": attached.task_id})
