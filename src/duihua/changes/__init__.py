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
from enum import StrEnum

from duihua import search_index
from duihua.changes import record
from duihua.db.session import Session


class Act(StrEnum):
    """What was done."""

    CREATED = "created"
    CHANGED = "changed"
    # Hidden and shown again; the rows stay.
    DELETED = "deleted"
    RESTORED = "restored"
    # About to be removed for ever; the rows are still there.
    PURGED = "purged"


def of_messages(
    session: Session, act: Act, user_id: int, ids: Sequence[int], *, conversation_id: int
) -> None:
    """To these messages of one conversation. CHANGED: edited, or their run ended."""
    search_index.messages_changed(session, ids, purged=act is Act.PURGED)
    record.note(session, "message", act, user_id, ids, purged=act is Act.PURGED)


def of_conversations(session: Session, act: Act, user_id: int, ids: Sequence[int]) -> None:
    """To these conversations. CHANGED: a field, the group, the shown branch."""
    search_index.conversations_changed(
        session,
        ids,
        purged=act is Act.PURGED,
        with_messages=act in {Act.DELETED, Act.RESTORED},
    )
    record.note(session, "conversation", act, user_id, ids, purged=act is Act.PURGED)


def of_groups(session: Session, act: Act, user_id: int, ids: Sequence[int]) -> None:
    """To these groups; what became of their conversations is told separately."""
    record.note(session, "group", act, user_id, ids, purged=act is Act.PURGED)
