"""The message tree: adding nodes, and choosing which path through it is shown.

Every node knows its parent. One path from a root to a leaf is the active branch: its nodes carry
`on_branch`, and the conversation names its leaf. Only this module changes those two.
"""

from duihua import changes
from duihua.core.clock import now
from duihua.db.rows import insert_now, update_now
from duihua.db.session import Session
from duihua.messages import branch_repository, repository
from duihua.models import Conversation, Message
from duihua.schemas.outgoing import preview

_CHANGED_BY_APPEND = ("active_leaf_id", "message_count", "last_message", "updated_at")


def append(
    session: Session,
    conversation: Conversation,
    message: Message,
    parent: Message | None,
    *,
    task_id: str | None = None,
) -> None:
    """Add `message` below `parent` (None: as a root) and make it the leaf of the active branch.

    No session tracks `conversation`: what this changes of it is written by `store`. `task_id` names the run
    that is about to write the message.
    """
    message.parent_id = parent.id if parent else None
    message.depth = parent.depth + 1 if parent else 0
    message.on_branch = True
    continues = conversation.active_leaf_id == message.parent_id
    if not continues:
        if parent is not None and not parent.on_branch:
            _show_path_to(session, conversation, parent)
        branch_repository.leave(session, conversation.id, message.depth)
    insert_now(session, message)
    conversation.active_leaf_id = message.id
    if continues:
        conversation.message_count += 1
        conversation.last_message = preview(message.content) or conversation.last_message
        conversation.updated_at = now()
    else:
        refresh(session, conversation)
    changes.of_new_message(session, conversation, message, task_id)


def store(session: Session, conversation: Conversation) -> None:
    """Write what `append` has changed of the conversation; to be the last that this unit does with it."""
    update_now(session, conversation, _CHANGED_BY_APPEND)


def activate(session: Session, conversation: Conversation, message: Message) -> None:
    """Show the branch through `message`, down to the newest leaf below it."""
    if message.on_branch:
        return
    _show_path_to(session, conversation, message)
    below = branch_repository.path_to_newest_leaf(session, message)
    branch_repository.enter(session, below)
    conversation.active_leaf_id = below[-1] if below else message.id
    refresh(session, conversation)


def leave_deleted(session: Session, conversation: Conversation, message: Message) -> None:
    """After `message` was deleted: where nothing is shown below it, show its nearest version instead."""
    if message.on_branch and not branch_repository.shows_below(session, message):
        sibling = branch_repository.sibling_of(session, message)
        if sibling is not None:
            activate(session, conversation, sibling)
            return
    refresh(session, conversation)


def refresh(session: Session, conversation: Conversation) -> None:
    """Bring the conversation's count, last message and activity up to date with its branch."""
    session.flush()
    newest = repository.newest_on_branch(session, conversation.id)
    conversation.message_count = repository.count_on_branch(session, conversation.id)
    conversation.last_message = preview(newest.content) if newest else None
    conversation.updated_at = now()


def leaf(session: Session, conversation: Conversation) -> Message | None:
    """The end of the active branch, deleted or not; None in an empty conversation."""
    if conversation.active_leaf_id is None:
        return None
    return session.get(Message, conversation.active_leaf_id)


def _show_path_to(session: Session, conversation: Conversation, message: Message) -> None:
    path = branch_repository.path_from_branch(session, message)
    _, topmost_depth = path[-1]
    branch_repository.leave(session, conversation.id, topmost_depth)
    branch_repository.enter(session, [row_id for row_id, _ in path])
