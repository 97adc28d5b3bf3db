"""A conversation that begins as another one did: a unit of work for `Database.write`."""

from collections.abc import Sequence
from typing import Any

from duihua import changes
from duihua.changes import Act
from duihua.core.clock import now
from duihua.core.i18n import Language, translate
from duihua.core.ids import new_uuid
from duihua.db.rows import insert_all, insert_now, reserve_ids
from duihua.db.session import Session
from duihua.groups import service as groups
from duihua.messages import branch_repository, service
from duihua.models import Conversation, Message
from duihua.models.message import SAID
from duihua.schemas import outgoing
from duihua.vocabulary import ConversationStatus, MessageState, TitleSource

_MOST_TITLE_CHARS = 255


def fork(session: Session, user_id: int, message_id: str, language: Language) -> dict[str, Any]:
    """A new conversation of the same group and settings, with a copy of what is visible down to this message.

    Files are named by the copies, not stored again.

    Raises:
        MessageNotFound, MessageStreaming: also where it stands below a reply that is being written.
    """
    message, original = service.settled(session, user_id, message_id)
    path = branch_repository.path_from_root(session, message)
    if any(row.state == MessageState.STREAMING for row in path):
        raise service.MessageStreaming
    ids = reserve_ids(session, Message, len(path))
    copy = _conversation(session, original, path, language)
    copy.active_leaf_id = ids[-1]
    insert_now(session, copy)
    places = zip(path, ids, [None, *ids[:-1]], range(len(path)), strict=True)
    insert_all(session, Message, [_row(copy, *place) for place in places])
    changes.of_conversations(session, Act.CREATED, user_id, [copy.id])
    changes.of_messages(session, Act.CREATED, user_id, ids, conversation_id=copy.id)
    return outgoing.conversation(copy)


def _conversation(
    session: Session, original: Conversation, path: Sequence[Message], language: Language
) -> Conversation:
    moment = now()
    title = original.title
    if original.title_source != TitleSource.DEFAULT:
        title = translate("forked_title", language, title=title)[:_MOST_TITLE_CHARS]
    said = next((row.content for row in reversed(path) if row.content), None)
    return Conversation(
        uuid=new_uuid(),
        user_id=original.user_id,
        group_id=groups.group_or_default(session, original.user_id, original.group_id).id,
        title=title,
        title_source=original.title_source,
        description=original.description,
        model_id=original.model_id,
        api_key_id=original.api_key_id,
        prompt_id=original.prompt_id,
        config=original.config,
        message_count=len(path),
        last_message=outgoing.preview(said) if said else None,
        pinned=False,
        status=ConversationStatus.ACTIVE,
        created_at=moment,
        updated_at=moment,
    )


def _row(copy: Conversation, said: Message, row_id: int, parent_id: int | None, depth: int) -> dict[str, Any]:
    return {name: getattr(said, name) for name in (*SAID, "state")} | {
        "id": row_id,
        "uuid": new_uuid(),
        "user_id": copy.user_id,
        "conversation_id": copy.id,
        "parent_id": parent_id,
        "depth": depth,
        "on_branch": True,
    }
