"""What is told, inside the transaction, of every change of the archive.

Whoever changes messages, conversations or groups calls this once for each act, after the rows are written
(for PURGED: before they are removed). What must be true at the same commit as the change itself is done
here, and nowhere else: a new listener is a line in these functions.

An act on a conversation is one on its messages too, and is not told again for them: those of a deleted one
are hidden, those of a restored one are back. That a message changes its conversation's `message_count`,
`last_message` and `updated_at` goes without saying likewise. Text that streams is told at the start and at
the end of its run, never in between.
"""

from collections.abc import Sequence

from duihua import search_index
from duihua.changes import counting, record, repository
from duihua.changes.acts import Act as Act
from duihua.changes.acts import Growth as Growth
from duihua.db.session import Session
from duihua.models import Conversation, Message


def of_messages(
    session: Session,
    act: Act,
    user_id: int,
    ids: Sequence[int],
    *,
    conversation_id: int,
    growth: Growth | None = None,
) -> None:
    """To these messages of one conversation. CHANGED: one was edited, or its run ended; with its `growth`."""
    search_index.messages_changed(session, ids, purged=act is Act.PURGED)
    record.note(session, "message", act, user_id, ids, purged=act is Act.PURGED)
    counting.messages(session, act, ids, conversation_id, growth)


def of_new_message(
    session: Session, conversation: Conversation, message: Message, task_id: str | None
) -> None:
    """To this message, which has just been written and is shown: CREATED, without reading it again.

    `task_id` names the run that is about to write it. The first token waits for this.
    """
    search_index.message_created(session, message)
    shown = repository.shown_new(conversation, message, task_id)
    record.note_known(session, message.user_id, {("message", Act.CREATED, message.id): shown})
    counting.messages(session, Act.CREATED, [message.id], conversation.id, None)


def of_conversations(session: Session, act: Act, user_id: int, ids: Sequence[int]) -> None:
    """To these conversations. CHANGED: a field, the group, the shown branch."""
    search_index.conversations_changed(
        session,
        ids,
        purged=act is Act.PURGED,
        with_messages=act in {Act.DELETED, Act.RESTORED},
    )
    record.note(session, "conversation", act, user_id, ids, purged=act is Act.PURGED)
    counting.conversations(session, act, ids)


def of_groups(session: Session, act: Act, user_id: int, ids: Sequence[int]) -> None:
    """To these groups; what became of their conversations is told separately."""
    record.note(session, "group", act, user_id, ids, purged=act is Act.PURGED)
