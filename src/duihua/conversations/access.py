"""The one way to a conversation: through its owner."""

from duihua.connections import access as connection_access
from duihua.conversations import repository
from duihua.core.errors import NotFound
from duihua.db.session import Session
from duihua.models import Conversation
from duihua.prompts import access as prompt_access


class ConversationNotFound(NotFound):
    """No such conversation of this user."""

    code = "conversation_not_found"


def owned(session: Session, user_id: int, reference: str, *, lock: bool = False) -> Conversation:
    """The user's conversation; `lock` where its messages are about to change. Raises ConversationNotFound."""
    conversation = repository.find(session, user_id, reference, lock=lock)
    if conversation is None:
        raise ConversationNotFound
    return conversation


def owned_to_append(session: Session, user_id: int, reference: str) -> Conversation:
    """The same, locked, for `messages.tree.append`: no session tracks it. Raises ConversationNotFound."""
    conversation = repository.to_append(session, user_id, reference)
    if conversation is None:
        raise ConversationNotFound
    return conversation


def check_references(
    session: Session, user_id: int, *, connection_id: int | None, prompt_id: int | None
) -> None:
    """Raises ConnectionNotFound or PromptNotFound where one is named that the user does not have."""
    if connection_id is not None:
        connection_access.owned(session, user_id, connection_id)
    if prompt_id is not None:
        prompt_access.owned(session, user_id, prompt_id)
