"""Shared pages in the database. A page is as large as its conversation: it is only read to be shown."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, or_, select

from duihua.core.clock import now
from duihua.db.session import Session
from duihua.models import Conversation, Share
from duihua.vocabulary import ConversationStatus

_SEEN = Conversation.status != ConversationStatus.DELETED
_SHARES = select(
    Conversation.uuid.label("chat_id"),
    Share.title,
    Share.token,
    Share.created_at,
    Share.expires_at,
).join(Conversation, Conversation.id == Share.conversation_id)


def all_of(session: Session, user_id: int) -> Sequence[Any]:
    """What the user shares, the newest first."""
    mine = _SHARES.where(Share.user_id == user_id, _SEEN)
    return session.execute(mine.order_by(Share.created_at.desc(), Share.id.desc())).all()


def of_conversation(session: Session, conversation_id: int) -> Any:
    """How a conversation is shared."""
    return session.execute(_SHARES.where(Share.conversation_id == conversation_id)).one_or_none()


def stored(session: Session, conversation_id: int) -> Share | None:
    """The row itself, to be changed."""
    return session.scalar(select(Share).where(Share.conversation_id == conversation_id))


def page(session: Session, token: str) -> str | None:
    """What is shown under this token; None where it is nobody's, expired, or of a deleted conversation."""
    found: str | None = session.scalar(_shown(select(Share.page), token))
    return found


def pictures(session: Session, token: str) -> Any:
    """Whose page this token shows, and which pictures it has; None as of `page`."""
    return session.execute(_shown(select(Share.user_id, Share.pictures), token)).one_or_none()


def _shown(what: Any, token: str) -> Any:
    return what.join(Conversation, Conversation.id == Share.conversation_id).where(
        Share.token == token, _SEEN, or_(Share.expires_at.is_(None), Share.expires_at > now())
    )


def remove(session: Session, conversation_id: int) -> bool:
    """Whether there was a page to be removed."""
    statement = delete(Share).where(Share.conversation_id == conversation_id)
    return session.connection().execute(statement).rowcount > 0
