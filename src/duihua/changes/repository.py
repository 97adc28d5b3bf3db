"""The record of changes in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Select, and_, bindparam, delete, func, insert, or_, select, update

from duihua.core.clock import now
from duihua.db.base import table_of
from duihua.db.session import Session
from duihua.db.telling import ask, tell
from duihua.models import Change, ChatGroup, Conversation, Generation, Message, User
from duihua.vocabulary import MessageState

# So many changes of one user are kept, however few hours they span.
KEPT_PER_USER = 20_000
_NAMED_AT_ONCE, _SWEPT_AT_ONCE, _USERS_AT_ONCE = 500, 2_000, 100
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
# Built once: these run with every change. Each gives the row's id, and then what is sent of it.
_SHOWN = {
    "group": select(ChatGroup.id, ChatGroup.id.label("group_id")).where(ChatGroup.id.in_(_IDS)),
    "conversation": select(Conversation.id, Conversation.uuid.label("chat_id")).where(
        Conversation.id.in_(_IDS)
    ),
    # A reply that is being written carries the name of its generation.
    "message": select(
        Message.id,
        Conversation.uuid.label("chat_id"),
        Message.uuid.label("message_id"),
        Message.role.label("role"),
        Message.state.label("state"),
        Generation.uuid.label("task_id"),
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .outerjoin(Generation, and_(Generation.message_id == Message.id, Message.state == MessageState.STREAMING))
    .where(Message.id.in_(_IDS)),
}
_COUNT = (
    update(User)
    .where(User.id == bindparam("user"))
    .values(last_change=User.last_change + bindparam("number"))
    .returning(User.last_change)
    .execution_options(synchronize_session=False)
)
_APPEND = insert(table_of(Change))


class Record(NamedTuple):
    """What is kept of one user's changes after some number; the newest of all is `last`."""

    last: int
    first_kept: int | None
    rows: Sequence[tuple[int, str]]


def shown(session: Session, kind: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What is sent of these rows, by id."""
    found: dict[int, dict[str, Any]] = {}
    for at in range(0, len(ids), _NAMED_AT_ONCE):
        rows = session.connection().execute(_SHOWN[kind], {"ids": list(ids[at : at + _NAMED_AT_ONCE])})
        for row in rows.mappings():
            values = dict(row)
            found[values.pop("id")] = values
    return found


def shown_new(conversation: Conversation, message: Message, task_id: str | None) -> dict[str, Any]:
    """The same of a message that was just written, as `task_id` if a run is about to."""
    return {
        "chat_id": conversation.uuid,
        "message_id": message.uuid,
        "role": message.role,
        "state": message.state,
        "task_id": task_id,
    }


def append(session: Session, user_id: int, payloads: Sequence[str]) -> None:
    """Give these the user's next numbers."""
    last = ask(session.connection(), _COUNT, {"user": user_id, "number": len(payloads)})
    moment = now()
    rows = [
        {"user_id": user_id, "seq": seq, "payload": payload, "created_at": moment}
        for seq, payload in enumerate(payloads, start=last - len(payloads) + 1)
    ]
    tell(session.connection(), _APPEND, rows)


def newest(session: Session, user_ids: Sequence[int]) -> dict[int, int]:
    """The number of each user's newest change."""
    rows = session.execute(select(User.id, User.last_change).where(User.id.in_(user_ids)))
    return {row.id: row.last_change for row in rows}


def since(session: Session, user_id: int, after: int, limit: int) -> Record:
    """The user's changes beyond number `after`, at most `limit`, oldest first."""
    mine = select(Change.seq, Change.payload).where(Change.user_id == user_id).order_by(Change.seq)
    rows = session.execute(mine.where(Change.seq > after).limit(limit))
    return Record(
        newest(session, [user_id])[user_id],
        session.scalar(select(Change.seq).where(Change.user_id == user_id).order_by(Change.seq).limit(1)),
        [(seq, payload) for seq, payload in rows],
    )


def is_touched(session: Session, user_id: int, chat_id: str, after: int) -> bool:
    """Whether something was done to this conversation, or a message of it, beyond number `after`."""
    named = Change.payload.contains(f'"chat_id":"{chat_id}"', autoescape=True)
    mine = select(Change.seq).where(Change.user_id == user_id, Change.seq > after, named)
    return session.scalar(mine.limit(1)) is not None


def sweep(session: Session, told_before: datetime) -> int:
    """Forget some of what was told before, and of all but the newest of each user; how many.

    Of each user from the oldest on, up to the first that is kept: no clock leaves a gap in what is.
    """
    forgotten = 0
    for user_id, oldest, floor in session.execute(_outdated(told_before)).all():
        beyond = oldest + _SWEPT_AT_ONCE - forgotten
        mine = Change.user_id == user_id, Change.seq < beyond
        kept = select(func.min(Change.seq)).where(*mine, Change.seq > floor, Change.created_at >= told_before)
        statement = delete(Change).where(*mine, Change.seq < func.coalesce(kept.scalar_subquery(), beyond))
        forgotten += session.connection().execute(statement).rowcount
        if forgotten >= _SWEPT_AT_ONCE:
            break
    return forgotten


def _outdated(told_before: datetime) -> Select[Any]:
    """Some users whose oldest change is to be forgotten: (id, its number, the last one to be in any case)."""
    floor = User.last_change - KEPT_PER_USER
    oldest = select(Change).where(Change.user_id == User.id).order_by(Change.seq).limit(1)
    seq, told_at = (
        oldest.with_only_columns(each).scalar_subquery() for each in (Change.seq, Change.created_at)
    )
    is_outdated = or_(told_at < told_before, seq <= floor)
    return select(User.id, seq, floor).where(is_outdated).order_by(User.id).limit(_USERS_AT_ONCE)
