"""An archive becomes a conversation of the user's: a unit of work for `Database.write`.

Its uuids are kept where they are free. Where somebody has them (another user of this server, the trash), new
ones are derived from them, the same for every import, so that a second one finds what the first made.
"""

import re
from collections.abc import Container, Iterator, Sequence, Set
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

from duihua import changes
from duihua.changes import Act
from duihua.conversations import access
from duihua.core.ids import new_uuid
from duihua.db.rows import insert_all, insert_now, reserve_ids
from duihua.db.session import Session
from duihua.files import service as files
from duihua.groups import service as groups
from duihua.messages import tree
from duihua.models import Conversation, Message, MessageRevision
from duihua.models.message import SAID
from duihua.schemas import outgoing
from duihua.schemas.group import ChatGroupCreate
from duihua.transfer import repository
from duihua.transfer.archive import Archive, ArchivedConversation, ArchivedMessage
from duihua.vocabulary import ConversationStatus, Duplicates, MessageState

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Choice(NamedTuple):
    """Where imported conversations go, and what becomes of those that are there already."""

    group_id: int | None = None
    duplicates: Duplicates = Duplicates.SKIP
    is_dry: bool = False


class _Plan(NamedTuple):
    """What is to be stored of an archive: all in a new conversation, or what is new in one that is there."""

    uuid: str
    is_new: bool
    messages: list[ArchivedMessage]


class FilesGone(Exception):
    """Somebody emptied the trash since these files were found there; nothing was stored."""

    def __init__(self, uuids: Set[str]) -> None:
        super().__init__(uuids)
        self.uuids = uuids


def store_all(
    session: Session,
    user_id: int,
    archives: Sequence[Archive],
    choice: Choice,
    kept: frozenset[str] = frozenset(),
) -> list[dict[str, Any] | None]:
    """Store these conversations together: one commit costs as much as the rows of one.

    Of each an `ImportedConversation`; None where nothing is to be stored of it. `kept`: their files.

    Raises:
        GroupNotFound, FilesGone.
    """
    if gone := kept - files.hold(session, user_id, kept):
        raise FilesGone(gone)
    return [_store(session, user_id, archive, choice) for archive in archives]


def foresee_all(
    session: Session, user_id: int, archives: Sequence[Archive], choice: Choice, _kept: frozenset[str]
) -> list[dict[str, Any] | None]:
    """What `store_all` would answer: a unit of work for `Database.read`."""
    plans = [(archive, _plan(session, user_id, archive, choice.duplicates)) for archive in archives]
    return [plan and _outcome(archive, plan) for archive, plan in plans]


def _store(session: Session, user_id: int, archive: Archive, choice: Choice) -> dict[str, Any] | None:
    plan = _plan(session, user_id, archive, choice.duplicates)
    if plan is None:
        return None
    if plan.is_new:
        _create(session, user_id, archive, plan.uuid, choice.group_id)
    else:
        _complete(session, user_id, archive, plan)
    return _outcome(archive, plan)


def _plan(session: Session, user_id: int, archive: Archive, duplicates: Duplicates) -> _Plan | None:
    uuid, is_there = _uuid(session, user_id, archive.conversation.uuid)
    if not is_there:
        return _Plan(uuid, True, archive.messages)
    if duplicates == Duplicates.SKIP:
        return None
    if duplicates == Duplicates.COPY:
        return _Plan(new_uuid(), True, archive.messages)
    conversation = access.owned(session, user_id, uuid)
    known = {node.uuid for node in repository.nodes(session, conversation.id)}
    missing = [each for each in archive.messages if _known_as(uuid, each, known) is None]
    return _Plan(uuid, False, missing) if missing else None


def _outcome(archive: Archive, plan: _Plan) -> dict[str, Any]:
    count, added = len(_branch(archive)), len(plan.messages)
    title = archive.conversation.title
    return {
        "uuid": plan.uuid,
        "title": title,
        "message_count": count,
        "added": added,
        "is_new": plan.is_new,
    }


def _create(session: Session, user_id: int, archive: Archive, uuid: str, group_id: int | None) -> None:
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
    _insert(session, conversation, archive.messages, _Places(ids, {}, branch))
    changes.of_conversations(session, Act.CREATED, user_id, [conversation.id])


def _complete(session: Session, user_id: int, archive: Archive, plan: _Plan) -> None:
    """Add what is missing; what is there stays as it is. The last message of the archive is shown, if new."""
    conversation = access.owned(session, user_id, plan.uuid, lock=True)
    # Not from the plan: somebody may have changed it before the lock was ours.
    nodes = {node.uuid: node for node in repository.nodes(session, conversation.id)}
    known = {
        each.uuid: nodes[name]
        for each in archive.messages
        if (name := _known_as(plan.uuid, each, nodes)) is not None
    }
    missing = [each for each in archive.messages if each.uuid not in known]
    ids = {name: node.id for name, node in known.items()}
    ids |= zip((each.uuid for each in missing), reserve_ids(session, Message, len(missing)), strict=True)
    depths = {name: node.depth for name, node in known.items()}
    _insert(session, conversation, missing, _Places(ids, depths, set()))
    leaf = archive.conversation.active_leaf or archive.messages[-1].uuid
    if leaf not in known:
        tree.activate(session, conversation, session.get_one(Message, ids[leaf]))
    changes.of_conversations(session, Act.CHANGED, user_id, [conversation.id])


class _Places(NamedTuple):
    """Where messages go in their tree, by their names in the archive."""

    ids: dict[str, int]
    depths: dict[str, int]
    branch: set[str]


def _insert(
    session: Session, conversation: Conversation, messages: list[ArchivedMessage], places: _Places
) -> None:
    uuids = _message_uuids(session, conversation.uuid, messages)
    insert_all(session, Message, list(_rows(messages, conversation, places, uuids)))
    insert_all(session, MessageRevision, _revisions(conversation.user_id, messages, places.ids))
    new = [places.ids[message.uuid] for message in messages]
    changes.of_messages(session, Act.CREATED, conversation.user_id, new, conversation_id=conversation.id)


def is_there(session: Session, user_id: int, archive: Archive) -> bool:
    """Whether the user has this conversation already: a unit of work for `Database.read`."""
    return _uuid(session, user_id, archive.conversation.uuid)[1]


def as_uuid(name: str) -> str:
    """A name in an archive, or the uuid that always stands for it."""
    return name if _UUID.fullmatch(name) else str(uuid5(NAMESPACE_OID, name))


def _uuid(session: Session, user_id: int, name: str) -> tuple[str, bool]:
    """The conversation's uuid here, and whether the user has it."""
    uuid = as_uuid(name)
    while (taken := repository.conversation_state(session, uuid)) is not None:
        owner, status = taken
        if owner == user_id and status != ConversationStatus.DELETED:
            return uuid, True
        uuid = str(uuid5(UUID(uuid), str(user_id)))
    return uuid, False


def _known_as(chat_uuid: str, message: ArchivedMessage, known: Container[str]) -> str | None:
    """Which of the conversation's messages it was made, if it was."""
    derived = str(uuid5(UUID(chat_uuid), message.uuid))
    return next((name for name in (message.uuid, derived) if name in known), None)


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
    messages: list[ArchivedMessage], conversation: Conversation, places: _Places, uuids: dict[str, str]
) -> Iterator[dict[str, Any]]:
    depths: dict[str | None, int] = {None: -1}
    depths.update(places.depths)
    for message in messages:
        depths[message.uuid] = depths[message.parent] + 1
        # Nobody is writing a reply that comes out of a file.
        is_cut = message.state == MessageState.STREAMING
        yield {field: getattr(message, field) for field in SAID} | {
            "id": places.ids[message.uuid],
            "uuid": uuids[message.uuid],
            "user_id": conversation.user_id,
            "conversation_id": conversation.id,
            "parent_id": places.ids[message.parent] if message.parent is not None else None,
            "depth": depths[message.uuid],
            "on_branch": message.uuid in places.branch,
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
