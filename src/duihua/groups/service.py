"""What can be done with groups: units of work for `Database.read` and `Database.write`."""

from collections.abc import Sequence
from typing import Any

from duihua import changes
from duihua.changes import Act
from duihua.core.clock import now
from duihua.core.errors import AppError
from duihua.db.session import Database, Session
from duihua.groups import access, repository
from duihua.models import ChatGroup
from duihua.models.chat_group import DEFAULT_GROUP_NAME
from duihua.schemas import outgoing
from duihua.schemas.group import ChatGroupCreate, ChatGroupUpdate
from duihua.vocabulary import RowStatus

# More than this many are reached through the conversation list.
CONVERSATIONS_SHOWN = 100


class DefaultGroupUndeletable(AppError):
    """Conversations must always have somewhere to be."""

    code = "default_group_undeletable"
    status = 400


def default_group(session: Session, user_id: int) -> ChatGroup:
    """The user's default group, made where it is missing."""
    group = repository.find_default(session, user_id)
    return group or _add(session, user_id, name=DEFAULT_GROUP_NAME, is_default=True)


def group_or_default(session: Session, user_id: int, group_id: int | None) -> ChatGroup:
    """The named group, or the default one for None. Raises GroupNotFound."""
    if group_id is None:
        return default_group(session, user_id)
    return access.owned(session, user_id, group_id, lock=True)


async def listing(db: Database, user_id: int, *, with_conversations: bool) -> list[dict[str, Any]]:
    """All groups in order, each with its newest conversations where asked for; there is a default one."""
    found = await db.read(_listing, user_id, with_conversations)
    if any(group["is_default"] for group in found):
        # Nothing was written: where there is no room to write, reading goes on.
        return found
    await db.write(default_group, user_id)
    return await db.read(_listing, user_id, with_conversations)


def _listing(session: Session, user_id: int, with_conversations: bool) -> list[dict[str, Any]]:
    counts = repository.conversation_counts(session, user_id)
    groups = [outgoing.group(row, counts.get(row.id, 0)) for row in repository.all_of(session, user_id)]
    if with_conversations:
        held: dict[int, list[dict[str, Any]]] = {group["id"]: [] for group in groups}
        for row in repository.newest_conversations(session, user_id, per_group=CONVERSATIONS_SHOWN):
            held[row.group_id].append(outgoing.conversation(row))
        for group in groups:
            group["conversations"] = held[group["id"]]
    return groups


def create(session: Session, user_id: int, new: ChatGroupCreate) -> dict[str, Any]:
    """Create a group; its wire form."""
    return outgoing.group(_add(session, user_id, **new.model_dump()), 0)


def change(session: Session, user_id: int, group_id: int, wanted: ChatGroupUpdate) -> dict[str, Any]:
    """Change the named fields; an explicit null clears. Raises GroupNotFound."""
    group = access.owned(session, user_id, group_id, lock=True)
    for field, value in wanted.model_dump(exclude_unset=True).items():
        setattr(group, field, _CLEARED.get(field) if value is None else value)
    group.updated_at = now()
    session.flush()
    changes.of_groups(session, Act.CHANGED, user_id, [group.id])
    return outgoing.group(group, repository.conversation_counts(session, user_id).get(group.id, 0))


# What an explicit null turns a field into; the others become null.
_CLEARED = {"name": DEFAULT_GROUP_NAME, "sort": 0}


def delete(session: Session, user_id: int, group_id: int, *, with_conversations: bool) -> Sequence[int]:
    """Delete a group; its conversations go with it, or to the default group. The ids of those that went.

    Raises:
        GroupNotFound, DefaultGroupUndeletable.
    """
    group = access.owned(session, user_id, group_id, lock=True)
    if group.is_default:
        raise DefaultGroupUndeletable
    deleted: Sequence[int] = ()
    if with_conversations:
        deleted = repository.delete_conversations(session, group.id)
        changes.of_conversations(session, Act.DELETED, user_id, deleted)
    else:
        moved = repository.move_conversations(session, group.id, default_group(session, user_id).id)
        changes.of_conversations(session, Act.CHANGED, user_id, moved)
    group.status = RowStatus.DELETED
    group.deleted_at = now()
    session.flush()
    changes.of_groups(session, Act.DELETED, user_id, [group.id])
    return deleted


def _add(session: Session, user_id: int, **fields: Any) -> ChatGroup:
    moment = now()
    group = ChatGroup(user_id=user_id, status=RowStatus.ACTIVE, created_at=moment, updated_at=moment)
    for field, value in fields.items():
        setattr(group, field, value)
    session.add(group)
    session.flush()
    changes.of_groups(session, Act.CREATED, user_id, [group.id])
    return group
