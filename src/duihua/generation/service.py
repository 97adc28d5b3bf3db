"""What can be done with generations: start one, attach to one, wait for one, cancel."""

import asyncio
from typing import Any, NamedTuple, cast

from duihua.core.clock import iso
from duihua.core.errors import AppError, InvalidInput, NotFound, Unavailable
from duihua.core.i18n import Language
from duihua.db.session import Database, Session, Work
from duihua.generation import journal_repository, repository
from duihua.generation.ending import Ending, terminal_event
from duihua.generation.engine import Engine, ShuttingDown, TooManyGenerations
from duihua.generation.feeds import Feed, Feeds
from duihua.generation.starting import Begun, Caller
from duihua.http.repository import once
from duihua.messages import service as messages
from duihua.models import Conversation, Generation, Message
from duihua.schemas import stream
from duihua.vocabulary import MessageState

# The first events, which are retold as they were: the question, and that there is a reply.
_BEFORE_TEXT = 2


class GenerationNotFound(NotFound):
    """No such generation of this user."""

    code = "generation_not_found"


class Attached(NamedTuple):
    """A feed to be read from event `after` + 1, and the task whose it is."""

    task_id: str
    feed: Feed
    after: int = 0


async def start(
    db: Database, engine: Engine, caller: Caller, begin: Work[..., Begun], *args: Any
) -> Attached:
    """Store what `begin` stores (see `starting`) and run it; its feed.

    A retry of an earlier request attaches to that request's generation, for which it needs no room.

    Raises:
        TooManyGenerations, ShuttingDown, and what `begin` raises: nothing was stored. StorageInDoubt.
    """
    try:
        engine.admit()
    except (TooManyGenerations, ShuttingDown) as refusal:
        if caller.retry is None:
            raise
        task_id = await db.write(_begun_before, caller, refusal)
        return await attach(db, engine, caller.user_id, task_id)
    try:
        begun = await db.write(begin, caller, *args)
    except BaseException:
        engine.dismiss()
        raise
    if begun.run is None:
        engine.dismiss()
        return await attach(db, engine, caller.user_id, begun.task_id)
    feed = engine.start(begun.run)
    # The model hears of it before the client does: it works while the client is answered. It takes two turns
    # of the loop until the request for it is on its way.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return Attached(begun.task_id, feed)


def _begun_before(session: Session, caller: Caller, refusal: AppError) -> str:
    """The task that an earlier request with this key began. Raises `refusal` where there was none."""

    def refuse() -> str:
        raise refusal

    # A claim and not a look: the earlier one may be just about to be committed.
    return once(session, caller.user_id, caller.retry, refuse, str)[0]


async def attach(db: Database, engine: Engine, user_id: int, task_id: str, *, after: int = 0) -> Attached:
    """The feed of a running or finished generation.

    Raises:
        GenerationNotFound; InvalidInput where there is no event `after` yet; Unavailable where this
            process is about to end and another one runs it.
    """
    found = await db.read(_found, user_id, task_id)
    known = engine.feeds.get(found.generation_id)
    # Of other processes' runs something may have been missed: the journal is read again.
    if known is not None and (known.ended or known.owner is None) and after < len(known.frames):
        return Attached(task_id, known, after)
    if known is None and not found.ended:
        if engine.draining:
            # Its followers were sent away from here: they are not to come back on the connection they have.
            raise Unavailable(retry_after=1)
        # Before the journal is read, so that what comes after that reading is heard.
        known = engine.watch.open(found.generation_id, found.owner)
    replay = await db.read(_replay, user_id, task_id)
    feed = _fed(engine.feeds, found.generation_id, known, replay)
    if feed.ended and not feed.is_whole:
        # While the journal was read, something came that could not be shown without it, or this server began
        # to stop.
        return await attach(db, engine, user_id, task_id, after=after)
    if replay.swept and after > _BEFORE_TEXT:
        after = len(feed.frames) - 1
    if after > len(feed.frames):
        raise InvalidInput(field="header.last-event-id", reason="is beyond the last event")
    return Attached(task_id, feed, after)


def _fed(feeds: Feeds, generation_id: int, known: Feed | None, replay: "_Replay") -> Feed:
    feed = feeds.get(generation_id) or known
    if feed is not None:
        feeds.catch_up(generation_id, feed, replay.frames, ended=replay.ended)
        return feed
    # The numbers of what is retold are not the journal's: nobody may join it by those.
    return Feed(replay.frames, ended=True) if replay.swept else feeds.whole(generation_id, replay.frames)


class _Found(NamedTuple):
    generation_id: int
    owner: str
    ended: bool


def _found(session: Session, user_id: int, task_id: str) -> _Found:
    generation = _owned(session, user_id, task_id)
    return _Found(generation.id, generation.owner, generation.state != MessageState.STREAMING)


class _Replay(NamedTuple):
    """A generation's events. Those of a `swept` one are retold: the text between may be cut otherwise."""

    ended: bool
    swept: bool
    frames: list[bytes]


def _replay(session: Session, user_id: int, task_id: str) -> _Replay:
    generation = _owned(session, user_id, task_id)
    payloads = [payload.encode() for payload in journal_repository.events_of(session, generation.id)]
    ended = generation.state != MessageState.STREAMING
    swept = ended and not payloads
    told = _retell(session, generation) if swept else payloads
    frames = [stream.frame(seq, payload) for seq, payload in enumerate(told, start=1)]
    return _Replay(ended, swept, frames)


def _retell(session: Session, generation: Generation) -> list[bytes]:
    question = session.get_one(Message, generation.user_message_id)
    reply = session.get_one(Message, generation.message_id)
    ending = Ending(
        generation.id,
        generation.owner,
        MessageState(generation.state),
        reply.content,
        reply.reasoning or "",
        error=generation.error,
        error_values=generation.error_values,
        finish_reason=generation.finish_reason,
        usage=_usage(generation),
    )
    return [
        stream.user_message(question.uuid, question.content),
        stream.assistant_start(reply.uuid, generation.uuid, generation.model_id),
        *stream.pieces(reply.uuid, ending.content, ending.reasoning),
        terminal_event(reply.uuid, cast(Language, generation.language), ending),
    ]


def _usage(generation: Generation) -> dict[str, int] | None:
    asked, said = generation.prompt_tokens, generation.completion_tokens
    if asked is None or said is None:
        return None
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _owned(session: Session, user_id: int, task_id: str) -> Generation:
    generation = repository.find(session, user_id, task_id)
    if generation is None:
        raise GenerationNotFound
    return generation


async def wait_for_reply(
    db: Database, engine: Engine, attached: Attached, user_id: int, language: Language
) -> dict[str, Any]:
    """Wait for the end of a generation; the question and its reply as `ReplyResponse` shows them.

    Raises:
        GenerationNotFound: the conversation was deleted meanwhile.
        ShuttingDown: it goes on in another process, and this one stops; asking again finds it.
    """
    while True:
        while not attached.feed.ended:
            await attached.feed.changed()
        answer = await db.read(_reply, user_id, attached.task_id, language)
        if answer["reply"]["state"] != MessageState.STREAMING:
            return answer
        # The feed of another process's run has ended before the run.
        engine.check_open()
        attached = await attach(db, engine, user_id, attached.task_id)


def _reply(session: Session, user_id: int, task_id: str, language: Language) -> dict[str, Any]:
    generation = _owned(session, user_id, task_id)
    question = session.get_one(Message, generation.user_message_id)
    reply = session.get_one(Message, generation.message_id)
    conversation = session.get_one(Conversation, generation.conversation_id)
    return {
        "message_id": question.uuid,
        "content": question.content,
        "created_at": iso(question.created_at),
        "reply": messages.present_one(session, reply, conversation, language),
        "task_id": task_id,
    }


async def cancel(db: Database, engine: Engine, user_id: int, task_id: str) -> dict[str, Any]:
    """Stop a generation, in whichever process it runs; what it ended as. An ended one is left as it is.

    Raises:
        GenerationNotFound.
    """
    await engine.stop(await db.write(_request_end, user_id, task_id))
    return await db.read(_state, user_id, task_id)


async def terminate(db: Database, engine: Engine, user_id: int) -> int:
    """Stop all of the user's running generations; how many there were."""
    running = await db.write(repository.request_end, user_id)
    await engine.stop(running)
    return len(running)


def _request_end(session: Session, user_id: int, task_id: str) -> list[repository.Asked]:
    return repository.request_end(session, user_id, [_owned(session, user_id, task_id).id])


def _state(session: Session, user_id: int, task_id: str) -> dict[str, Any]:
    generation = _owned(session, user_id, task_id)
    message = session.get_one(Message, generation.message_id)
    return {"task_id": task_id, "message_id": message.uuid, "state": generation.state}
