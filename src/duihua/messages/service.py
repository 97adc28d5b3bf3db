"""What can be done with messages: units of work for `Database.read` and `Database.write`."""

from collections.abc import Sequence
from typing import Any

from duihua import changes
from duihua.changes import Act, Growth
from duihua.conversations import access as conversation_access
from duihua.core.clock import now
from duihua.core.errors import AppError, Conflict
from duihua.core.i18n import Language
from duihua.core.pagination import page
from duihua.core.text import estimate_tokens
from duihua.db.session import Session
from duihua.messages import access, repository, tree
from duihua.models import Conversation, Message, MessageRevision
from duihua.schemas import outgoing, stream
from duihua.schemas.message import MessageQuery
from duihua.vocabulary import MessageState, RowStatus


class MessageStreaming(Conflict):
    """The reply is still being written; stop it first."""

    code = "message_streaming"


class MessageTooLong(AppError):
    """More characters than the configured limit."""

    code = "message_too_long"
    status = 413


def check_length(content: str, limit: int) -> None:
    """Raises MessageTooLong for more than `limit` characters."""
    if len(content) > limit:
        raise MessageTooLong(limit=limit)


def first_question(session: Session, conversation: Conversation) -> str:
    """What the person said first on the active branch; empty where nothing was."""
    return repository.first_question(session, conversation.id)


def listing(
    session: Session, user_id: int, chat_id: str, query: MessageQuery, language: Language
) -> dict[str, Any]:
    """A page of a conversation's active branch.

    Raises:
        ConversationNotFound, MessageNotFound (of `before`, `after`, `around`), InvalidInput (cursor).
    """
    conversation = conversation_access.owned(session, user_id, chat_id)
    place = query.before or query.after or query.around
    if place is None:
        rows, total, next_cursor = repository.page(session, conversation.id, query)
    else:
        total = repository.count_on_branch(session, conversation.id, query.message_type)
        rows, next_cursor = _beside(session, access.owned_in(session, conversation, place), query)
    return page(
        _present(session, rows, conversation.uuid, language),
        query,
        total=total,
        next_cursor=next_cursor,
    )


def _beside(session: Session, message: Message, query: MessageQuery) -> tuple[Sequence[Message], str | None]:
    size, kind = query.page_size, query.message_type
    if query.before is not None:
        rows = repository.page_before(session, message, size, kind)
        return rows, repository.cursor_if(True, rows)
    if query.after is not None:
        rows = repository.page_after(session, message, size + 1, kind)
        return rows[:size], repository.cursor_if(len(rows) > size, rows[:size])
    earlier = repository.page_before(session, message, (size - 1) // 2, kind)
    itself = [message] if kind in {None, message.message_type} else []
    rows = [*earlier, *itself, *repository.page_after(session, message, size + 1 - len(earlier), kind)]
    return rows[:size], repository.cursor_if(len(rows) > size, rows[:size])


def edit(session: Session, user_id: int, message_id: str, content: str, language: Language) -> dict[str, Any]:
    """Change a message's text in place; the earlier text is kept as a revision.

    Raises:
        MessageNotFound, MessageStreaming.
    """
    message, conversation = settled(session, user_id, message_id)
    if content != message.content:
        moment = now()
        session.add(
            MessageRevision(
                user_id=user_id, message_id=message.id, content=message.content, created_at=moment
            )
        )
        characters, tokens = len(content), estimate_tokens(content)
        growth = Growth(tokens - message.token_count, characters - message.character_count)
        message.content = content
        message.character_count, message.token_count = characters, tokens
        message.updated_at = moment
        tree.refresh(session, conversation)
        _tell(session, Act.CHANGED, message, growth)
    return present_one(session, message, conversation, language)


def delete(session: Session, user_id: int, message_id: str) -> None:
    """Hide one message; the rest of the conversation stays in order.

    Raises:
        MessageNotFound, MessageStreaming.
    """
    message, conversation = settled(session, user_id, message_id)
    message.status = RowStatus.DELETED
    message.deleted_at = now()
    session.flush()
    tree.leave_deleted(session, conversation, message)
    _tell(session, Act.DELETED, message)


def _tell(session: Session, act: Act, message: Message, growth: Growth | None = None) -> None:
    session.flush()
    chat = message.conversation_id
    changes.of_messages(session, act, message.user_id, [message.id], conversation_id=chat, growth=growth)


def restore(session: Session, user_id: int, message_id: str, language: Language) -> dict[str, Any]:
    """Bring back a deleted message where it stood, and show it; one that is not deleted stays as it is.

    Raises:
        MessageNotFound: also of a conversation that is deleted itself.
    """
    message, conversation = access.owned(session, user_id, message_id, deleted_too=True)
    conversation_access.owned(session, user_id, conversation.uuid, lock=True)
    session.refresh(message)
    if message.status == RowStatus.DELETED:
        message.status = RowStatus.ACTIVE
        message.deleted_at = None
        session.flush()
        tree.activate(session, conversation, message)
        tree.refresh(session, conversation)
        _tell(session, Act.RESTORED, message)
    return present_one(session, message, conversation, language)


def activate(session: Session, user_id: int, message_id: str, language: Language) -> dict[str, Any]:
    """Make the branch of this version the one that is shown. Raises MessageNotFound."""
    message, conversation = _kept(session, user_id, message_id)
    tree.activate(session, conversation, message)
    session.flush()
    changes.of_conversations(session, Act.CHANGED, user_id, [conversation.id])
    return present_one(session, message, conversation, language)


def present_one(
    session: Session, message: Message, conversation: Conversation, language: Language
) -> dict[str, Any]:
    """The wire form of one message."""
    session.flush()
    return _present(session, [message], conversation.uuid, language)[0]


def settled(session: Session, user_id: int, message_id: str) -> tuple[Message, Conversation]:
    """The user's message and its conversation, which is locked. Raises MessageNotFound, MessageStreaming."""
    message, conversation = _kept(session, user_id, message_id)
    if message.state == MessageState.STREAMING:
        raise MessageStreaming
    return message, conversation


def _kept(session: Session, user_id: int, message_id: str) -> tuple[Message, Conversation]:
    message, conversation = access.owned(session, user_id, message_id)
    conversation_access.owned(session, user_id, conversation.uuid, lock=True)
    # Somebody may have changed it while the lock was waited for.
    session.refresh(message)
    if message.status == RowStatus.DELETED:
        raise access.MessageNotFound
    return message, conversation


def _present(
    session: Session, rows: Sequence[Message], chat_uuid: str, language: Language
) -> list[dict[str, Any]]:
    versions = repository.versions(session, rows)
    parents = repository.visible_parents(session, rows)
    running = repository.running(session, rows)
    presented = []
    for row in rows:
        wire = outgoing.message(
            row, chat_uuid, parent=parents[row.id], versions=versions[row.id], language=language
        )
        if row.id in running:
            task_id, payloads = running[row.id]
            wire |= _so_far(payloads) | {"task_id": task_id, "last_event_id": len(payloads)}
        presented.append(wire)
    return presented


def texts_so_far(session: Session, rows: Sequence[Message]) -> dict[int, tuple[str, str | None]]:
    """For each row that is streaming: the text and the reasoning that it has so far."""
    folded = {
        row_id: stream.fold(payloads) for row_id, (_, payloads) in repository.running(session, rows).items()
    }
    return {row_id: (content, reasoning or None) for row_id, (content, reasoning) in folded.items()}


def _so_far(payloads: Sequence[str]) -> dict[str, Any]:
    """What a running generation has committed: a reader may show it and join after its last event."""
    content, reasoning = stream.fold(payloads)
    return {"content": content, "reasoning": reasoning or None, "character_count": len(content)}
