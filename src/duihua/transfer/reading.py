"""A stored conversation as its archive has it: units of work for `Database.read`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from duihua.conversations import access
from duihua.db.session import Session
from duihua.messages import service as message_service
from duihua.models import Conversation, Message
from duihua.transfer import repository
from duihua.transfer.archive import ArchivedConversation, ArchivedMessage, ArchivedRevision
from duihua.transfer.repository import Node
from duihua.vocabulary import ConversationStatus, MessageState, MessageType, Role, RowStatus, TitleSource


class Outline(NamedTuple):
    """A conversation without its texts: `parents` are uuids by message id, `order` how its messages are read.

    Where it `is_whole`, `versions` says which of how many a message is, by its uuid, if there are several.
    Else it is what is shown, and has no earlier texts.
    """

    conversation: ArchivedConversation
    parents: dict[int, str | None]
    order: list[int]
    versions: dict[str, tuple[int, int]]
    is_whole: bool


def chosen(session: Session, user_id: int, references: Sequence[str]) -> list[str]:
    """The conversations that are meant, each once. Raises ConversationNotFound for any that is not there."""
    rows = [access.owned(session, user_id, reference) for reference in references]
    return list(dict.fromkeys(str(row.id) for row in rows))


def every(session: Session, user_id: int) -> list[str]:
    """All of the user's conversations."""
    return [str(row_id) for row_id in repository.conversation_ids(session, user_id)]


def outline(
    session: Session, user_id: int, reference: str, *, with_system: bool, is_whole: bool = True
) -> Outline:
    """The conversation and the shape of its tree, or of its shown branch. Raises ConversationNotFound.

    A message whose parent is left out (deleted, or by a system) answers the nearest one above that is not.
    """
    row = access.owned(session, user_id, reference)
    names: dict[int, str | None] = {}
    parents: dict[int, str | None] = {}
    branch: list[Node] = []
    kept: list[Node] = []
    for node in repository.nodes(session, row.id):
        above = names.get(node.parent_id) if node.parent_id is not None else None
        if node.status == RowStatus.DELETED or (node.role == Role.SYSTEM and not with_system):
            names[node.id] = above
            continue
        names[node.id], parents[node.id] = node.uuid, above
        kept.append(node)
        if node.on_branch:
            branch.append(node)
    head = _conversation(session, row, branch[-1].uuid if branch else None)
    if not is_whole:
        return Outline(head, parents, [node.id for node in branch], {}, is_whole)
    order, versions = _walk(kept, parents)
    return Outline(head, parents, order, versions, is_whole)


def _walk(
    nodes: Sequence[Node], parents: Mapping[int, str | None]
) -> tuple[list[int], dict[str, tuple[int, int]]]:
    """The ids of a tree so that what follows a version comes before the next version; and the versions."""
    answers: dict[str | None, list[Node]] = {}
    groups: dict[tuple[str | None, str], list[Node]] = {}
    for node in sorted(nodes):
        answers.setdefault(parents[node.id], []).append(node)
        groups.setdefault((parents[node.id], node.role), []).append(node)
    order: list[int] = []
    # Not by recursion: a conversation may be of any depth.
    ahead = answers.get(None, [])[::-1]
    while ahead:
        node = ahead.pop()
        order.append(node.id)
        ahead += answers.get(node.uuid, [])[::-1]
    several = (group for group in groups.values() if len(group) > 1)
    places = {
        node.uuid: (index, len(group)) for group in several for index, node in enumerate(group, start=1)
    }
    return order, places


def page(session: Session, ids: Sequence[int], outline: Outline) -> list[ArchivedMessage]:
    """These messages in the order of `ids`. A reply that is being written has what it has so far."""
    rows = {row.id: row for row in repository.messages(session, ids)}
    so_far = message_service.texts_so_far(session, list(rows.values()))
    edits = repository.revisions(session, ids) if outline.is_whole else {}
    found = []
    for row_id in ids:
        if row_id not in rows:
            continue  # Purged since the outline was read.
        message = _message(rows[row_id], outline.parents[row_id])
        message.revisions = [ArchivedRevision(e.content, e.created_at) for e in edits.get(row_id, [])]
        if row_id in so_far:
            message.content, message.reasoning = so_far[row_id]
            message.character_count = len(message.content)
            message.state = MessageState.INTERRUPTED
        found.append(message)
    return found


def _conversation(session: Session, row: Conversation, leaf: str | None) -> ArchivedConversation:
    return ArchivedConversation(
        uuid=row.uuid,
        title=row.title,
        title_source=TitleSource(row.title_source),
        description=row.description,
        group=repository.group_name(session, row.group_id),
        model_id=row.model_id,
        config=row.config or {},
        pinned=row.pinned,
        archived=row.status == ConversationStatus.ARCHIVED,
        active_leaf=leaf,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _message(row: Message, parent: str | None) -> ArchivedMessage:
    return ArchivedMessage(
        uuid=row.uuid,
        parent=parent,
        role=Role(row.role),
        content=row.content,
        reasoning=row.reasoning,
        reasoning_ms=row.reasoning_ms,
        first_token_ms=row.first_token_ms,
        duration_ms=row.duration_ms,
        message_type=MessageType(row.message_type),
        message_metadata=row.message_metadata,
        files=row.files or [],
        model_id=row.model_id,
        token_count=row.token_count,
        character_count=row.character_count,
        state=MessageState(row.state),
        error=row.error,
        error_values=row.error_values,
        finish_reason=row.finish_reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
