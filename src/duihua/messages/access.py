"""The one way to a message: through its owner, and where it is named with a conversation, through both."""

from duihua.core.errors import NotFound
from duihua.db.session import Session
from duihua.messages import repository
from duihua.models import Conversation, Message


class MessageNotFound(NotFound):
    """No such message of this user, or not in this conversation."""

    code = "message_not_found"


def owned(session: Session, user_id: int, reference: str) -> tuple[Message, Conversation]:
    """The user's message and its conversation. Raises MessageNotFound."""
    found = repository.find(session, user_id, reference)
    if found is None:
        raise MessageNotFound
    return found


def owned_in(session: Session, conversation: Conversation, reference: str) -> Message:
    """A message of this conversation. Raises MessageNotFound."""
    found = repository.find(session, conversation.user_id, reference, conversation_id=conversation.id)
    if found is None:
        raise MessageNotFound
    return found[0]
