"""The tree of a conversation in the database: which nodes are on its active branch."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from duihua.db.session import Session
from duihua.models import Message
from duihua.vocabulary import RowStatus

# Fewer bound parameters than any database's limit.
_AT_ONCE = 5000


def leave(session: Session, conversation_id: int, from_depth: int) -> None:
    """Take the nodes at `from_depth` and deeper off the active branch."""
    session.execute(
        update(Message)
        .where(Message.conversation_id == conversation_id, Message.on_branch, Message.depth >= from_depth)
        .values(on_branch=False)
        .execution_options(synchronize_session=False)
    )


def enter(session: Session, ids: Sequence[int]) -> None:
    """Put these nodes on the active branch."""
    for start in range(0, len(ids), _AT_ONCE):
        session.execute(
            update(Message)
            .where(Message.id.in_(ids[start : start + _AT_ONCE]))
            .values(on_branch=True)
            .execution_options(synchronize_session=False)
        )


def path_from_branch(session: Session, message: Message) -> list[tuple[int, int]]:
    """(id, depth) of `message` and those of its ancestors that are off the active branch, deepest first."""
    upwards = (
        select(Message.id, Message.parent_id, Message.depth, Message.on_branch)
        .where(Message.id == message.id)
        .cte("upwards", recursive=True)
    )
    upwards = upwards.union_all(
        select(Message.id, Message.parent_id, Message.depth, Message.on_branch)
        .join(upwards, Message.id == upwards.c.parent_id)
        .where(Message.on_branch.is_(False))
    )
    rows = session.execute(select(upwards.c.id, upwards.c.depth).order_by(upwards.c.depth.desc()))
    return [(row_id, depth) for row_id, depth in rows]


def path_from_root(session: Session, message: Message) -> Sequence[Message]:
    """The visible ones of `message` and its ancestors, topmost first."""
    upwards = (
        select(Message.id, Message.parent_id).where(Message.id == message.id).cte("upwards", recursive=True)
    )
    upwards = upwards.union_all(
        select(Message.id, Message.parent_id).join(upwards, Message.id == upwards.c.parent_id)
    )
    shown = (
        select(Message).join(upwards, Message.id == upwards.c.id).where(Message.status == RowStatus.ACTIVE)
    )
    return session.scalars(shown.order_by(Message.depth)).all()


def path_to_newest_leaf(session: Session, message: Message) -> list[int]:
    """The ids below `message` along the newest child of each node, visible ones preferred, topmost first."""
    child = aliased(Message)
    newest = (
        select(child.id)
        .where(child.conversation_id == message.conversation_id)
        .order_by(child.status, child.id.desc())
        .limit(1)
    )
    start = newest.where(child.parent_id == message.id).scalar_subquery()
    downwards = select(Message.id, Message.depth).where(Message.id == start).cte("downwards", recursive=True)
    following = newest.where(child.parent_id == downwards.c.id).correlate(downwards).scalar_subquery()
    downwards = downwards.union_all(
        select(Message.id, Message.depth).join(downwards, Message.id == following)
    )
    return list(session.scalars(select(downwards.c.id).order_by(downwards.c.depth)))


def sibling_of(session: Session, message: Message) -> Message | None:
    """The visible version nearest to `message`: the newest older one, else the oldest newer one."""
    same_place = (
        select(Message)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.parent_id.is_(None)
            if message.parent_id is None
            else Message.parent_id == message.parent_id,
            Message.role == message.role,
            Message.status == RowStatus.ACTIVE,
            Message.id != message.id,
        )
        .limit(1)
    )
    older = same_place.where(Message.id < message.id).order_by(Message.id.desc())
    return session.scalar(older) or session.scalar(same_place.order_by(Message.id))


def shows_below(session: Session, message: Message) -> bool:
    """Whether the active branch shows anything deeper than `message`."""
    statement = select(func.count()).where(
        Message.conversation_id == message.conversation_id,
        Message.on_branch,
        Message.status == RowStatus.ACTIVE,
        Message.depth > message.depth,
    )
    return bool(session.scalar(statement))
