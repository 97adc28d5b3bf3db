"""What can be done with conversations: units of work for `Database.read` and `Database.write`."""

from collections.abc import Sequence
from typing import Any

from duihua import changes
from duihua.changes import Act
from duihua.conversations import access, repository
from duihua.core.clock import now
from duihua.core.ids import new_uuid
from duihua.core.pagination import page_of
from duihua.db.session import Session
from duihua.groups import access as group_access
from duihua.groups import service as groups
from duihua.models import Conversation
from duihua.schemas import outgoing
from duihua.schemas.conversation import ConversationCreate, ConversationQuery, ConversationUpdate
from duihua.settings import service as settings
from duihua.vocabulary import ConversationStatus, TitleSource

DEFAULT_TITLE = "新对话"
# Filing and pinning are no activity: they leave a conversation where it is among the newest.
_ACTIVITY = {"title", "description", "model_id", "api_key_id", "prompt_id", "config"}


def listing(session: Session, user_id: int, query: ConversationQuery) -> dict[str, Any]:
    """One page of conversations. Raises InvalidInput for a forged cursor."""
    return page_of(repository.page(session, user_id, query), outgoing.conversation, query)


def one(session: Session, user_id: int, reference: str) -> dict[str, Any]:
    """One conversation. Raises ConversationNotFound."""
    return outgoing.conversation(access.owned(session, user_id, reference))


def create(session: Session, user_id: int, new: ConversationCreate) -> dict[str, Any]:
    """Create a conversation, in the default group unless another is named.

    What it does not say of model and config is as the user's settings are; an explicit null is said.

    Raises:
        GroupNotFound, ConnectionNotFound, PromptNotFound.
    """
    group = groups.group_or_default(session, user_id, new.group_id)
    access.check_references(session, user_id, connection_id=new.api_key_id, prompt_id=new.prompt_id)
    model_id, config = _model_and_config(session, user_id, new)
    moment = now()
    conversation = Conversation(
        uuid=new_uuid(),
        user_id=user_id,
        group_id=group.id,
        title=new.title or DEFAULT_TITLE,
        # Clients send the default title, too.
        title_source=TitleSource.DEFAULT if new.title in {None, DEFAULT_TITLE} else TitleSource.PERSON,
        description=new.description,
        model_id=model_id,
        api_key_id=new.api_key_id,
        prompt_id=new.prompt_id,
        config=config,
        message_count=0,
        pinned=False,
        status=ConversationStatus.ACTIVE,
        created_at=moment,
        updated_at=moment,
    )
    session.add(conversation)
    _tell(session, Act.CREATED, user_id, [conversation])
    return outgoing.conversation(conversation)


def _model_and_config(
    session: Session, user_id: int, new: ConversationCreate
) -> tuple[str | None, dict[str, Any]]:
    named = new.model_fields_set
    model_id = new.model_id if "model_id" in named else settings.default_model(session, user_id)
    if new.config is not None:
        return model_id, settings.default_config(session, user_id) | new.config.to_storage()
    return model_id, {} if "config" in named else settings.default_config(session, user_id)


def change(session: Session, user_id: int, reference: str, wanted: ConversationUpdate) -> dict[str, Any]:
    """Change the named fields; an explicit null clears.

    Raises:
        ConversationNotFound, GroupNotFound, ConnectionNotFound, PromptNotFound.
    """
    conversation = access.owned(session, user_id, reference, lock=True)
    access.check_references(session, user_id, connection_id=wanted.api_key_id, prompt_id=wanted.prompt_id)
    for field in wanted.model_fields_set:
        _set(session, conversation, field, getattr(wanted, field))
    if wanted.model_fields_set & _ACTIVITY:
        conversation.updated_at = now()
    _tell(session, Act.CHANGED, user_id, [conversation])
    return outgoing.conversation(conversation)


def _set(session: Session, conversation: Conversation, field: str, value: Any) -> None:
    if field == "title":
        conversation.title = value or DEFAULT_TITLE
        conversation.title_source = TitleSource.PERSON if value else TitleSource.DEFAULT
    elif field == "group_id":
        conversation.group_id = groups.group_or_default(session, conversation.user_id, value).id
    elif field == "config":
        conversation.config = value.to_storage() if value else {}
    elif field == "status":
        conversation.status = value or ConversationStatus.ACTIVE
    else:
        setattr(conversation, field, bool(value) if field == "pinned" else value)


def title_untitled(session: Session, user_id: int, conversation_id: int, title: str) -> bool:
    """Give a conversation this title unless it has one by now; whether it was given."""
    given = repository.title_untitled(session, conversation_id, title)
    if given:
        changes.of_conversations(session, Act.CHANGED, user_id, [conversation_id])
    return given


def delete(session: Session, user_id: int, reference: str) -> int:
    """Hide a conversation; its id. Raises ConversationNotFound."""
    conversation = access.owned(session, user_id, reference, lock=True)
    repository.mark_deleted(session, [conversation])
    _tell(session, Act.DELETED, user_id, [conversation])
    return conversation.id


def delete_many(session: Session, user_id: int, references: list[str]) -> tuple[dict[str, Any], list[int]]:
    """Hide those that exist; what the wire is told, and the ids of the hidden."""
    found = repository.lock_all(session, user_id, references)
    rows = _distinct(found)
    repository.mark_deleted(session, rows)
    _tell(session, Act.DELETED, user_id, rows)
    report = {"deleted": len(rows), "missing": _missing(references, found)}
    return report, [row.id for row in rows]


def clear(session: Session, user_id: int, reference: str) -> int:
    """Hide all messages of a conversation; its id. Of one without any, nothing changes.

    Raises:
        ConversationNotFound.
    """
    conversation = access.owned(session, user_id, reference, lock=True)
    cleared = repository.clear_messages(session, conversation)
    if cleared:
        conversation.message_count = 0
        conversation.last_message = None
        conversation.updated_at = now()
        session.flush()
        changes.of_messages(session, Act.DELETED, user_id, cleared, conversation_id=conversation.id)
    return conversation.id


def move(session: Session, user_id: int, reference: str, group_id: int) -> dict[str, Any]:
    """Put a conversation into a group. Raises ConversationNotFound, GroupNotFound."""
    conversation = access.owned(session, user_id, reference, lock=True)
    conversation.group_id = group_access.owned(session, user_id, group_id, lock=True).id
    _tell(session, Act.CHANGED, user_id, [conversation])
    return outgoing.conversation(conversation)


def move_many(session: Session, user_id: int, references: list[str], group_id: int) -> dict[str, Any]:
    """Put those that exist into a group; the report. Raises GroupNotFound."""
    group = group_access.owned(session, user_id, group_id, lock=True)
    found = repository.lock_all(session, user_id, references)
    rows = _distinct(found)
    repository.move(session, rows, group.id)
    _tell(session, Act.CHANGED, user_id, rows)
    return {
        "moved": len(rows),
        "missing": _missing(references, found),
    }


def shelve_many(session: Session, user_id: int, references: list[str], status: str) -> dict[str, Any]:
    """Archive those that exist ("archived"), or take them back ("active"); the report."""
    found = repository.lock_all(session, user_id, references)
    rows = _distinct(found)
    changed = [row for row in rows if row.status != status]
    repository.shelve(session, changed, status)
    _tell(session, Act.CHANGED, user_id, changed)
    return {"updated": len(rows), "missing": _missing(references, found)}


def _tell(session: Session, act: Act, user_id: int, rows: Sequence[Conversation]) -> None:
    session.flush()
    changes.of_conversations(session, act, user_id, [row.id for row in rows])


def _distinct(found: dict[str, Conversation]) -> list[Conversation]:
    return list({row.id: row for row in found.values()}.values())


def _missing(references: list[str], found: dict[str, Conversation]) -> list[str]:
    return [reference for reference in dict.fromkeys(references) if reference not in found]
