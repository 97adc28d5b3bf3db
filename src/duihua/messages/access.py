"""The one way to a message: through its owner, and where it is named with a conversation, through both."""

from duihua.core.errors import NotFound
from duihua.db.session import Session
from duihua.messages import repository
from duihua.models import Conversation, Message
from duihua.vocabulary import RowStatus


class MessageNotFound(NotFound):
    """No such message of this user, or not in this conversation."""

    code = "message_not_found"


def owned(
    session: Session, user_id: int, reference: str, *, deleted_too: bool = False
) -> tuple[Message, Conversation]:
    """The user's message and its conversation. Raises MessageNotFound."""
    statuses = tuple(RowStatus) if deleted_too else (RowStatus.ACTIVE,)
    found = repository.find(session, user_id, reference, statuses=statuses)
    if found is None:
        raise MessageNotFound
    return found


def owned_in(session: Session, conversation: Conversation, reference: str) -> Message:
    """A message of this conversation. Raises MessageNotFound."""
    found = repository.find(session, conversation.user_id, reference, conversation_id=conversation.id)
    if found is None:
        raise MessageNotFound
    return found[0]
