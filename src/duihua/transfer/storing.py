"""An archive becomes a conversation of the user's: a unit of work for `Database.write`.

Its uuids are kept where they are free. Where somebody has them (another user of this server, the trash), new
ones are derived from them, the same for every import, so that a second one finds what the first made.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from duihua import changes
from duihua.changes import Act
from duihua.db.rows import insert_all, insert_now, reserve_ids
from duihua.db.session import Session
from duihua.groups import service as groups
from duihua.models import Conversation, Message, MessageRevision
from duihua.models.message import SAID
from duihua.schemas import outgoing
from duihua.schemas.group import ChatGroupCreate
from duihua.transfer import repository
from duihua.transfer.archive import Archive, ArchivedConversation, ArchivedMessage
from duihua.vocabulary import ConversationStatus, MessageState

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def store_all(
    session: Session, user_id: int, archives: Sequence[Archive], group_id: int | None
) -> list[dict[str, Any] | None]:
    """Store these conversations, as `store` does, together: one commit costs as much as the rows of one."""
    return [store(session, user_id, archive, group_id) for archive in archives]


def store(session: Session, user_id: int, archive: Archive, group_id: int | None) -> dict[str, Any] | None:
    """Store the whole conversation: an `ImportedConversation`; None where it is there already.

    Raises:
        GroupNotFound.
    """
    uuid = _new_uuid(session, user_id, archive.conversation.uuid)
    if uuid is None:
        return None
    names = [message.uuid for message in archive.messages]
    ids = dict(zip(names, reserve_ids(session, Message, len(names)), strict=True))
    branch = _branch(archive)
    # Parents come first: these are in the order of the branch.
    shown = [message for message in archive.messages if message.uuid in branch]
    conversation = _conversation(user_id, uuid, archive.conversation)
    conversation.group_id = _group_id(session, user_id, archive.conversation.group, group_id)
    conversation.active_leaf_id = ids[shown[-1].uuid] if shown else None
    conversation.message_count = len(shown)
    said = next((message.content for message in reversed(shown) if message.content), None)
    conversation.last_message = outgoing.preview(said) if said else None
    insert_now(session, conversation)
    uuids = _message_uuids(session, uuid, archive.messages)
    insert_all(session, Message, list(_rows(archive, conversation, ids, branch, uuids)))
    insert_all(session, MessageRevision, _revisions(user_id, archive.messages, ids))
    changes.of_conversations(session, Act.CREATED, user_id, [conversation.id])
    changes.of_messages(session, Act.CREATED, user_id, list(ids.values()), conversation_id=conversation.id)
    return {"uuid": uuid, "title": conversation.title, "message_count": len(shown)}


def is_there(session: Session, user_id: int, archive: Archive) -> bool:
    """Whether the user has this conversation already: a unit of work for `Database.read`."""
    return _new_uuid(session, user_id, archive.conversation.uuid) is None


def as_uuid(name: str) -> str:
    """A name in an archive, or the uuid that always stands for it."""
    return name if _UUID.fullmatch(name) else str(uuid5(NAMESPACE_OID, name))


def _new_uuid(session: Session, user_id: int, name: str) -> str | None:
    uuid = as_uuid(name)
    while (taken := repository.conversation_state(session, uuid)) is not None:
        owner, status = taken
        if owner == user_id and status != ConversationStatus.DELETED:
            return None
        uuid = str(uuid5(UUID(uuid), str(user_id)))
    return uuid


def _message_uuids(session: Session, chat_uuid: str, messages: list[ArchivedMessage]) -> dict[str, str]:
    names = [message.uuid for message in messages]
    taken = repository.taken_message_uuids(session, names)
    return {
        name: name if _UUID.fullmatch(name) and name not in taken else str(uuid5(UUID(chat_uuid), name))
        for name in names
    }


def _conversation(user_id: int, uuid: str, archived: ArchivedConversation) -> Conversation:
    return Conversation(
        uuid=uuid,
        user_id=user_id,
        title=archived.title,
        title_source=archived.title_source,
        description=archived.description,
        model_id=archived.model_id,
        config=archived.config,
        pinned=archived.pinned,
        status=ConversationStatus.ARCHIVED if archived.archived else ConversationStatus.ACTIVE,
        created_at=archived.created_at,
        updated_at=archived.updated_at,
    )


def _group_id(session: Session, user_id: int, name: str | None, group_id: int | None) -> int:
    if group_id is not None or name is None:
        return groups.group_or_default(session, user_id, group_id).id
    found = repository.group_named(session, user_id, name)
    if found is not None:
        return found
    return int(groups.create(session, user_id, ChatGroupCreate(name=name, sort=0))["id"])


def _branch(archive: Archive) -> set[str]:
    """The uuids from the active leaf up; without one, from the last message."""
    parents = {message.uuid: message.parent for message in archive.messages}
    last = archive.messages[-1].uuid if archive.messages else None
    node = archive.conversation.active_leaf or last
    branch = set()
    while node is not None:
        branch.add(node)
        node = parents[node]
    return branch


def _rows(
    archive: Archive,
    conversation: Conversation,
    ids: dict[str, int],
    branch: set[str],
    names: dict[str, str],
) -> Iterator[dict[str, Any]]:
    depths: dict[str | None, int] = {None: -1}
    for message in archive.messages:
        depths[message.uuid] = depths[message.parent] + 1
        # Nobody is writing a reply that comes out of a file.
        is_cut = message.state == MessageState.STREAMING
        yield {field: getattr(message, field) for field in SAID} | {
            "id": ids[message.uuid],
            "uuid": names[message.uuid],
            "user_id": conversation.user_id,
            "conversation_id": conversation.id,
            "parent_id": ids[message.parent] if message.parent is not None else None,
            "depth": depths[message.uuid],
            "on_branch": message.uuid in branch,
            "state": MessageState.INTERRUPTED if is_cut else message.state,
        }


def _revisions(user_id: int, messages: list[ArchivedMessage], ids: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "user_id": user_id,
            "message_id": ids[message.uuid],
            "content": revision.content,
            "created_at": revision.created_at,
        }
        for message in messages
        for revision in message.revisions
    ]
