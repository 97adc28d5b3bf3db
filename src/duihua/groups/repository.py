"""Groups in the database."""

from collections.abc import Sequence

from sqlalchemy import func, select, update

from duihua.core.clock import now
from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.models import ChatGroup, Conversation
from duihua.vocabulary import ConversationStatus, RowStatus


def find(session: Session, user_id: int, group_id: int, *, lock: bool = False) -> ChatGroup | None:
    """The user's group, unless it is deleted; `lock` keeps other writers off its row."""
    statement = select(ChatGroup).where(
        ChatGroup.id == group_id, ChatGroup.user_id == user_id, ChatGroup.status == RowStatus.ACTIVE
    )
    return session.scalar(locked(statement) if lock else statement)


def find_default(session: Session, user_id: int) -> ChatGroup | None:
    """The user's default group."""
    return session.scalar(select(ChatGroup).where(ChatGroup.user_id == user_id, ChatGroup.is_default))


def all_of(session: Session, user_id: int) -> Sequence[ChatGroup]:
    """The user's groups, by `sort`, then age."""
    return session.scalars(
        select(ChatGroup)
        .where(ChatGroup.user_id == user_id, ChatGroup.status == RowStatus.ACTIVE)
        .order_by(ChatGroup.sort, ChatGroup.id)
    ).all()


def conversation_counts(session: Session, user_id: int) -> dict[int, int]:
    """How many active conversations each group holds; groups without one are left out."""
    rows = session.execute(
        select(Conversation.group_id, func.count())
        .where(Conversation.user_id == user_id, Conversation.status == ConversationStatus.ACTIVE)
        .group_by(Conversation.group_id)
    )
    return dict(rows.all())


def newest_conversations(session: Session, user_id: int, *, per_group: int) -> Sequence[Conversation]:
    """Up to `per_group` active conversations of each group, newest first."""
    place = (
        func.row_number()
        .over(
            partition_by=Conversation.group_id,
            order_by=(Conversation.updated_at.desc(), Conversation.id.desc()),
        )
        .label("place")
    )
    ranked = (
        select(Conversation.id, place)
        .where(Conversation.user_id == user_id, Conversation.status == ConversationStatus.ACTIVE)
        .subquery()
    )
    return session.scalars(
        select(Conversation)
        .join(ranked, ranked.c.id == Conversation.id)
        .where(ranked.c.place <= per_group)
        .order_by(Conversation.updated_at.desc(), Conversation.id.desc())
    ).all()


def move_conversations(session: Session, group_id: int, target_id: int) -> Sequence[int]:
    """Put all conversations of one group into another, deleted ones too: they may be restored. Their ids."""
    return session.scalars(
        update(Conversation)
        .where(Conversation.group_id == group_id)
        .values(group_id=target_id)
        .returning(Conversation.id)
    ).all()


def delete_conversations(session: Session, group_id: int) -> Sequence[int]:
    """Mark the group's conversations as deleted; their ids."""
    return session.scalars(
        update(Conversation)
        .where(Conversation.group_id == group_id, Conversation.status != ConversationStatus.DELETED)
        .values(status=ConversationStatus.DELETED, status_before=Conversation.status, deleted_at=now())
        .returning(Conversation.id)
    ).all()
