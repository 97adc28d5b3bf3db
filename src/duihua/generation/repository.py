"""Generations and their journal in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Table, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from duihua import changes
from duihua.changes import Act
from duihua.core.clock import now
from duihua.core.text import estimate_tokens
from duihua.db.session import Session
from duihua.generation.ending import Ending, LostGeneration
from duihua.models import Conversation, Generation, GenerationEvent, Message
from duihua.schemas.outgoing import preview
from duihua.vocabulary import ConversationStatus, MessageState, RowStatus

_EVENTS = cast(Table, GenerationEvent.__table__)
LEASE = timedelta(seconds=10)
_SWEPT_AT_ONCE = 200
_LARGEST_COUNT = 2**31 - 1


def append_events(session: Session, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """Add (generation id, number, payload) rows to the journal.

    Raises:
        LostGeneration: an event of that number exists, so another process has taken over the run.
    """
    values = [
        {"generation_id": generation_id, "seq": seq, "payload": payload.decode()}
        for generation_id, seq, payload in rows
    ]
    try:
        session.execute(insert(_EVENTS), values)
    except IntegrityError as error:
        raise LostGeneration from error


def append_missing_events(session: Session, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """As `append_events`, where an earlier attempt with the same rows may have been committed after all."""
    found = session.execute(
        select(GenerationEvent.generation_id, GenerationEvent.seq, GenerationEvent.payload).where(
            GenerationEvent.generation_id.in_({generation_id for generation_id, _, _ in rows}),
            GenerationEvent.seq >= min(seq for _, seq, _ in rows),
        )
    )
    there = {(generation_id, seq, payload.encode()) for generation_id, seq, payload in found}
    missing = [row for row in rows if row not in there]
    if missing:
        append_events(session, missing)


def events_of(session: Session, generation_id: int) -> list[str]:
    """The payloads of a generation's journal, in order."""
    return list(
        session.scalars(
            select(GenerationEvent.payload)
            .where(GenerationEvent.generation_id == generation_id)
            .order_by(GenerationEvent.seq)
        )
    )


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


def running_of(session: Session, user_id: int) -> list[int]:
    """The ids of the user's running generations."""
    statement = select(Generation.id).where(
        Generation.user_id == user_id, Generation.state == MessageState.STREAMING
    )
    return list(session.scalars(statement))


def finish(session: Session, ending: Ending) -> None:
    """End a generation, once: its state, its message's final text, its last events.

    Raises:
        LostGeneration: it has ended already, or another process owns it; nothing is changed.
    """
    moment = now()
    user_id, conversation_id, message_id = _claim_end(session, ending, moment)
    append_events(session, [(ending.generation_id, seq, payload) for seq, payload in ending.rows])
    _write_message(session, message_id, ending, moment)
    said = {"last_message": preview(ending.content)} if ending.content else {}
    session.execute(
        update(Conversation)
        .where(Conversation.id == conversation_id, Conversation.active_leaf_id == message_id)
        .where(select(Message.id).filter_by(id=message_id, status=RowStatus.ACTIVE).exists())
        .values(updated_at=moment, **said)
        .execution_options(synchronize_session=False)
    )
    changes.of_messages(session, Act.CHANGED, user_id, [message_id], conversation_id=conversation_id)


def _claim_end(session: Session, ending: Ending, moment: datetime) -> tuple[int, int, int]:
    claimed = session.execute(
        update(Generation)
        .where(
            Generation.id == ending.generation_id,
            Generation.owner == ending.owner,
            Generation.state == MessageState.STREAMING,
        )
        .values(
            state=ending.state,
            error=ending.error,
            error_values=ending.error_values,
            finish_reason=ending.finish_reason,
            prompt_tokens=_counted(ending, "prompt_tokens"),
            completion_tokens=_counted(ending, "completion_tokens"),
            first_token_at=ending.first_token_at,
            finished_at=moment,
        )
        .returning(Generation.user_id, Generation.conversation_id, Generation.message_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if claimed is None:
        raise LostGeneration
    return claimed.user_id, claimed.conversation_id, claimed.message_id


def _write_message(session: Session, message_id: int, ending: Ending, moment: datetime) -> None:
    session.execute(
        update(Message)
        .where(Message.id == message_id)
        .values(
            content=ending.content,
            reasoning=ending.reasoning or None,
            state=ending.state,
            error=ending.error,
            error_values=ending.error_values,
            finish_reason=ending.finish_reason,
            token_count=_counted(ending, "completion_tokens") or estimate_tokens(ending.content),
            character_count=len(ending.content),
            updated_at=moment,
        )
        .execution_options(synchronize_session=False)
    )


def _counted(ending: Ending, kind: str) -> int | None:
    """A provider's count, as far as the column reaches: some send nonsense."""
    count = (ending.usage or {}).get(kind)
    return None if count is None else min(count, _LARGEST_COUNT)


def renew_leases(session: Session, owner: str) -> None:
    """Say that `owner` is alive."""
    session.execute(
        update(Generation)
        .where(Generation.owner == owner, Generation.state == MessageState.STREAMING)
        .values(lease_expires_at=now() + LEASE)
        .execution_options(synchronize_session=False)
    )


def abandoned(
    session: Session, owner: str, alive: Sequence[int], *, alone: bool
) -> list[tuple[int, str, str, str]]:
    """(id, owner, language, message uuid) of runs that nobody works on any more.

    `alive` are the runs of this process (`owner`); `alone` says that no other process can exist.
    """
    theirs = Generation.owner != owner
    if not alone:
        theirs = theirs & (Generation.lease_expires_at < now())
    # One of ours that is not alive was stored by a request that ended before it could be started.
    unstarted = (Generation.owner == owner) & (Generation.created_at < now() - LEASE)
    rows = session.execute(
        select(Generation.id, Generation.owner, Generation.language, Message.uuid)
        .join(Message, Message.id == Generation.message_id)
        .where(Generation.state == MessageState.STREAMING, or_(theirs, unstarted))
    )
    running = set(alive)
    return [(row.id, row.owner, row.language, row.uuid) for row in rows if row.id not in running]


def sweep(session: Session, finished_before: datetime) -> int:
    """Delete the journal of some generations that finished before; how many rows went."""
    old = (
        select(Generation.id)
        .where(Generation.finished_at < finished_before)
        .where(select(GenerationEvent.seq).where(GenerationEvent.generation_id == Generation.id).exists())
        .limit(_SWEPT_AT_ONCE)
    )
    result = session.execute(
        delete(GenerationEvent)
        .where(GenerationEvent.generation_id.in_(old))
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], result).rowcount


def branch_until(session: Session, question: Message, *, limit: int | None) -> list[Any]:
    """(role, content) of the last `limit` (None: all) shown messages before `question`, and of itself."""
    statement = (
        select(Message.role, Message.content)
        .where(
            Message.conversation_id == question.conversation_id,
            Message.on_branch.is_(True),
            Message.status == RowStatus.ACTIVE,
            Message.depth < question.depth,
            Message.content != "",
        )
        .order_by(Message.depth.desc())
        .limit(limit)
    )
    earlier = [tuple(row) for row in session.execute(statement)]
    return [*earlier[::-1], (question.role, question.content)]


def parent_of(session: Session, message: Message) -> Message | None:
    """The message that this one follows in the tree, deleted or not."""
    return session.get(Message, message.parent_id) if message.parent_id is not None else None
