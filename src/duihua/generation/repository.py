"""Generations in the database; their events are in `journal_repository`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Integer, bindparam, cast, func, or_, select, update

from duihua import changes
from duihua.changes import Act, Growth
from duihua.conversations import service as conversations
from duihua.core.clock import now
from duihua.core.text import estimate_tokens
from duihua.db.base import table_of
from duihua.db.clock import FromNow, Seconds
from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.db.telling import tell
from duihua.db.types import UtcDateTime
from duihua.generation import journal_repository
from duihua.generation.ending import Ending, LostGeneration, last_rows
from duihua.messages import tree
from duihua.models import Conversation, Generation, Message
from duihua.models.generation import LEASE
from duihua.schemas.outgoing import preview
from duihua.vocabulary import ConversationStatus, MessageState, Role, RowStatus


class Abandoned(NamedTuple):
    """A run without its process; `cancelled` says that somebody had asked for its end."""

    generation_id: int
    owner: str
    language: str
    message_id: str
    cancelled: bool


class _Claimed(NamedTuple):
    """A run that ends now: whose it is, what it wrote, and how long it took."""

    user_id: int
    conversation_id: int
    message_id: int
    first_token_ms: int | None
    duration_ms: int | None


class Asked(NamedTuple):
    """A run that shall stop, and the process that can stop it."""

    generation_id: int
    owner: str


_LARGEST_COUNT = 2**31 - 1


def _milliseconds_to(name: str) -> ColumnElement[int]:
    seconds = Seconds(Generation.created_at, bindparam(name, type_=UtcDateTime()))
    return cast(func.round(seconds * 1000), Integer)


# Built once: the first token waits for it.
_SHOWN_ABOVE = (
    select(Message.role, Message.content, Message.files)
    .where(
        Message.conversation_id == bindparam("conversation"),
        Message.on_branch.is_(True),
        Message.status == RowStatus.ACTIVE,
        Message.depth < bindparam("below"),
        # A person may have sent files alone.
        or_(Message.content != "", Message.role == Role.USER),
    )
    .order_by(Message.depth.desc())
)

# Built once: they run at the end of every reply. The columns they set are those they are given.
_ROW: BindParameter[int] = bindparam("row")
_CLAIM_END = (
    update(table_of(Generation))
    .where(
        Generation.id == _ROW,
        Generation.owner == bindparam("by"),
        Generation.state == MessageState.STREAMING,
    )
    .values(first_token_ms=_milliseconds_to("spoke_at"), total_ms=_milliseconds_to("silent_at"))
    .returning(
        *(Generation.user_id, Generation.conversation_id, Generation.message_id),
        *(Generation.first_token_ms, Generation.total_ms),
    )
)
_WRITE_MESSAGE = update(table_of(Message)).where(Message.id == _ROW)
_IS_SHOWN = (
    select(Message.id)
    .where(Message.id == bindparam("leaf"), Message.status == RowStatus.ACTIVE, Message.on_branch)
    .exists()
)
_SHOW_END = (
    update(table_of(Conversation))
    .where(Conversation.id == _ROW, Conversation.active_leaf_id == bindparam("leaf"), _IS_SHOWN)
    .returning(Conversation.id)
)
_SHOWING = locked(select(Conversation).where(Conversation.id == _ROW, _IS_SHOWN))


def find(session: Session, user_id: int, task_id: str) -> Generation | None:
    """The user's generation by its task id, unless its conversation is deleted."""
    return session.scalar(
        select(Generation)
        .join(Conversation, Conversation.id == Generation.conversation_id)
        .where(
            Generation.uuid == task_id,
            Generation.user_id == user_id,
            Conversation.status != ConversationStatus.DELETED,
        )
    )


def request_end(session: Session, user_id: int, generation_ids: Sequence[int] | None = None) -> list[Asked]:
    """Write down that these running generations of the user (None: all) shall stop; which they are."""
    named = () if generation_ids is None else (Generation.id.in_(generation_ids),)
    rows = session.execute(
        update(Generation)
        .where(Generation.user_id == user_id, Generation.state == MessageState.STREAMING, *named)
        .values(cancel_requested_at=FromNow())
        .returning(Generation.id, Generation.owner)
        .execution_options(synchronize_session=False)
    )
    return [Asked(row.id, row.owner) for row in rows]


def running_among(session: Session, generation_ids: Sequence[int]) -> set[int]:
    """Those that have not ended."""
    statement = select(Generation.id).where(
        Generation.id.in_(generation_ids), Generation.state == MessageState.STREAMING
    )
    return set(session.scalars(statement))


def still_wanted(session: Session, generation_ids: Sequence[int]) -> set[int]:
    """Those that go on: nobody ended them, asked for their end, or removed what they write to."""
    statement = (
        select(Generation.id)
        .join(Conversation, Conversation.id == Generation.conversation_id)
        .join(Message, Message.id == Generation.message_id)
        .where(
            Generation.id.in_(generation_ids),
            Generation.state == MessageState.STREAMING,
            Generation.cancel_requested_at.is_(None),
            Conversation.status != ConversationStatus.DELETED,
            Message.status == RowStatus.ACTIVE,
        )
    )
    return set(session.scalars(statement))


def finish(session: Session, ending: Ending) -> list[tuple[int, bytes]]:
    """End a generation, once: its state, its message's final text; all of its last events.

    Raises:
        LostGeneration: it has ended already, or another process owns it; nothing is changed.
    """
    moment = now()
    claimed = _claim_end(session, ending, moment)
    user_id, conversation_id, message_id = claimed[:3]
    growth = _write_message(session, claimed, ending, moment)
    _show_end(session, conversation_id, message_id, ending, moment)
    changes.of_messages(
        session, Act.CHANGED, user_id, [message_id], conversation_id=conversation_id, growth=growth
    )
    title = ending.title
    is_titled = title is not None and conversations.title_untitled(session, user_id, conversation_id, title)
    rows = last_rows(ending, is_titled=is_titled)
    journal_repository.append_events(session, [(ending.generation_id, *row) for row in rows])
    return rows


def _claim_end(session: Session, ending: Ending, moment: datetime) -> _Claimed:
    values = {
        "row": ending.generation_id,
        "by": ending.owner,
        "state": ending.state,
        "error": ending.error,
        "error_values": ending.error_values,
        "finish_reason": ending.finish_reason,
        "prompt_tokens": _counted(ending, "prompt_tokens"),
        "completion_tokens": _counted(ending, "completion_tokens"),
        "spoke_at": ending.first_token_at,
        "silent_at": ending.finished_at or moment,
        "finished_at": moment,
    }
    claimed = session.connection().execute(_CLAIM_END, values).one_or_none()
    if claimed is None:
        raise LostGeneration
    return _Claimed(*claimed)


def _write_message(session: Session, claimed: _Claimed, ending: Ending, moment: datetime) -> Growth:
    said = _counted(ending, "completion_tokens")
    tokens = min(ending.begun_tokens + said, _LARGEST_COUNT) if said else estimate_tokens(ending.content)
    values = {
        "row": claimed.message_id,
        "content": ending.content,
        "reasoning": ending.reasoning or None,
        "reasoning_ms": ending.reasoning_ms,
        "first_token_ms": claimed.first_token_ms,
        # Nobody saw when a run that was left behind fell silent.
        "duration_ms": claimed.duration_ms if ending.finished_at else None,
        "state": ending.state,
        "error": ending.error,
        "error_values": ending.error_values,
        "finish_reason": ending.finish_reason,
        "token_count": tokens,
        "character_count": len(ending.content),
        "updated_at": moment,
    }
    tell(session.connection(), _WRITE_MESSAGE, [values])
    # It was stored without a text.
    return Growth(tokens, len(ending.content))


def _show_end(
    session: Session, conversation_id: int, message_id: int, ending: Ending, moment: datetime
) -> None:
    said = {"last_message": preview(ending.content)} if ending.content else {}
    values = {"row": conversation_id, "leaf": message_id, "updated_at": moment, **said}
    if session.connection().execute(_SHOW_END, values).first() is not None:
        return
    # Something stands below it, or it is not shown. What is below may say nothing, or be deleted.
    conversation = session.scalar(_SHOWING, {"row": conversation_id, "leaf": message_id})
    if conversation is not None:
        tree.refresh(session, conversation)


def _counted(ending: Ending, kind: str) -> int | None:
    """A provider's count, as far as the column reaches: some send nonsense."""
    count = (ending.usage or {}).get(kind)
    return None if count is None else min(count, _LARGEST_COUNT)


def renew_leases(session: Session, running: Sequence[int]) -> None:
    """Say that somebody works on these; of one that is being written to, the next time: a lease is longer."""
    mine = select(Generation.id).where(Generation.id.in_(running), Generation.state == MessageState.STREAMING)
    free = Generation.id.in_(mine.with_for_update(skip_locked=True, key_share=True))
    session.connection().execute(update(Generation).where(free).values(lease_expires_at=FromNow(LEASE)))


def abandoned(session: Session, owner: str, alive: Sequence[int], *, alone: bool) -> list[Abandoned]:
    """Runs that nobody works on any more: their lease is over; the one that is over longest comes first.

    `alive` are the runs of this process (`owner`); `alone` says that no other process can exist, so that
    every run of another name is abandoned.
    """
    # One of ours that is not alive was stored by a request that ended before it could be started.
    over = Generation.lease_expires_at < FromNow()
    rows = session.execute(
        select(
            Generation.id,
            Generation.owner,
            Generation.language,
            Message.uuid,
            Generation.cancel_requested_at.is_not(None),
        )
        .join(Message, Message.id == Generation.message_id)
        .where(
            Generation.state == MessageState.STREAMING,
            or_(over, Generation.owner != owner) if alone else over,
        )
        # A process that recovers may itself be killed before the last of them, again and again.
        .order_by(Generation.lease_expires_at)
    )
    running = set(alive)
    return [Abandoned(*row) for row in rows if row.id not in running]


def branch_until(session: Session, question: Message, *, limit: int | None) -> list[Any]:
    """(role, content, files) of `question`, after the last `limit` (None: all) shown messages before it."""
    asked = (question.role, question.content, question.files)
    if question.depth == 0:
        return [asked]
    statement = _SHOWN_ABOVE if limit is None else _SHOWN_ABOVE.limit(limit)
    place = {"conversation": question.conversation_id, "below": question.depth}
    earlier = [tuple(row) for row in session.connection().execute(statement, place)]
    return [*earlier[::-1], asked]


def question_of(session: Session, generation_id: int) -> str:
    """The text that a generation answers."""
    statement = select(Message.content).join(Generation, Generation.user_message_id == Message.id)
    return session.scalar(statement.where(Generation.id == generation_id)) or ""


def parent_of(session: Session, message: Message) -> Message | None:
    """The message that this one follows in the tree, deleted or not."""
    return session.get(Message, message.parent_id) if message.parent_id is not None else None
