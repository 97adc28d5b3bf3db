"""What is exported and imported, in the database."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.models import ChatGroup, Conversation, Message, MessageRevision
from duihua.vocabulary import ConversationStatus, RowStatus

# Fewer bound parameters than any database takes.
_AT_ONCE = 500


class Node(NamedTuple):
    """What a message is in its tree."""

    id: int
    uuid: str
    parent_id: int | None
    role: str
    status: str
    on_branch: bool
    depth: int


def conversation_ids(session: Session, user_id: int) -> Sequence[int]:
    """All of the user's conversations, oldest first."""
    return session.scalars(
        select(Conversation.id)
        .where(Conversation.user_id == user_id, Conversation.status != ConversationStatus.DELETED)
        .order_by(Conversation.id)
    ).all()


def group_name(session: Session, group_id: int) -> str | None:
    """The group's name; None for the default group."""
    group = session.get_one(ChatGroup, group_id)
    return None if group.is_default else group.name


def nodes(session: Session, conversation_id: int) -> list[Node]:
    """The whole tree, deleted messages too, parents first."""
    columns = (Message.id, Message.uuid, Message.parent_id, Message.role, Message.status)
    rows = session.execute(
        select(*columns, Message.on_branch, Message.depth)
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.depth, Message.id)
    )
    return [Node(*row) for row in rows]


def messages(session: Session, ids: Sequence[int]) -> Sequence[Message]:
    """These messages."""
    return session.scalars(select(Message).where(Message.id.in_(ids))).all()


def revisions(session: Session, message_ids: Sequence[int]) -> dict[int, list[MessageRevision]]:
    """The earlier texts of each message, oldest first."""
    found: dict[int, list[Any]] = {}
    statement = (
        select(MessageRevision)
        .where(MessageRevision.message_id.in_(message_ids))
        .order_by(MessageRevision.id)
    )
    for row in session.scalars(statement):
        found.setdefault(row.message_id, []).append(row)
    return found


def conversation_state(session: Session, uuid: str) -> tuple[int, str] | None:
    """Whose conversation has this uuid, and its status, deleted or not; None where it is free."""
    found = session.execute(
        select(Conversation.user_id, Conversation.status).where(Conversation.uuid == uuid)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def taken_message_uuids(session: Session, uuids: Sequence[str]) -> set[str]:
    """Those that some message has already, whoever's it is."""
    taken: set[str] = set()
    for start in range(0, len(uuids), _AT_ONCE):
        some = uuids[start : start + _AT_ONCE]
        taken.update(session.scalars(select(Message.uuid).where(Message.uuid.in_(some))))
    return taken


def group_named(session: Session, user_id: int, name: str) -> int | None:
    """The oldest of the user's groups of this name, kept from being deleted meanwhile."""
    statement = select(ChatGroup).where(
        ChatGroup.user_id == user_id, ChatGroup.name == name, ChatGroup.status == RowStatus.ACTIVE
    )
    group = session.scalar(locked(statement.order_by(ChatGroup.id).limit(1)))
    return None if group is None else group.id
