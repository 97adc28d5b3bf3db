"""Messages in the database."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, func, or_, select

from duihua.core.ids import as_row_id
from duihua.core.pagination import decode_cursor, encode_cursor
from duihua.db.paging import read_page
from duihua.db.session import Session
from duihua.models import Conversation, Generation, GenerationEvent, Message
from duihua.schemas.message import MessageQuery
from duihua.vocabulary import ConversationStatus, MessageState, MessageType, Role, RowStatus

CURSOR = "messages"


def find(
    session: Session,
    user_id: int,
    reference: str,
    *,
    conversation_id: int | None = None,
    statuses: Sequence[RowStatus] = (RowStatus.ACTIVE,),
) -> tuple[Message, Conversation] | None:
    """The user's message by uuid or id and its conversation, if it has such a status and that is not deleted.

    `conversation_id` also binds it to that conversation.
    """
    row_id = as_row_id(reference)
    statement = (
        select(Message, Conversation)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Message.uuid == reference if row_id is None else Message.id == row_id,
            Message.user_id == user_id,
            Message.status.in_(statuses),
            Conversation.user_id == user_id,
            Conversation.status != ConversationStatus.DELETED,
        )
    )
    if conversation_id is not None:
        statement = statement.where(Message.conversation_id == conversation_id)
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def count_on_branch(session: Session, conversation_id: int, kind: MessageType | None = None) -> int:
    """How many messages (of one `kind`) the active branch shows."""
    statement = select(func.count()).select_from(Message).where(*_on_branch(conversation_id, kind))
    return session.scalar(statement) or 0


def newest_on_branch(session: Session, conversation_id: int) -> Message | None:
    """The last message of the active branch that says something."""
    return session.scalar(
        select(Message)
        .where(*_on_branch(conversation_id), Message.content != "")
        .order_by(Message.depth.desc())
        .limit(1)
    )


def first_question(session: Session, conversation_id: int) -> str:
    """The text of the first user's message of the active branch that says something."""
    return (
        session.scalar(
            select(Message.content)
            .where(*_on_branch(conversation_id), Message.role == Role.USER, Message.content != "")
            .order_by(Message.depth)
            .limit(1)
        )
        or ""
    )


def page(
    session: Session, conversation_id: int, query: MessageQuery
) -> tuple[Sequence[Message], int, str | None]:
    """A page of the active branch in order, the total, and the cursor of the next page.

    Raises:
        InvalidInput: a cursor that is not of this list.
    """
    total = count_on_branch(session, conversation_id, query.message_type)
    conditions = _on_branch(conversation_id, query.message_type)
    statement = select(Message).where(*conditions).order_by(Message.depth)
    rows, more = read_page(session, statement, query, _beyond)
    return rows, total, cursor_if(more, rows)


def _beyond(cursor: str) -> ColumnElement[bool]:
    depth: int = decode_cursor(cursor, CURSOR, int)[0]
    return Message.depth > depth


def page_before(
    session: Session, message: Message, limit: int, kind: MessageType | None
) -> Sequence[Message]:
    """The `limit` branch messages (of one `kind`) just before `message`, in order."""
    rows = session.scalars(
        select(Message)
        .where(*_on_branch(message.conversation_id, kind), Message.depth < message.depth)
        .order_by(Message.depth.desc())
        .limit(limit)
    ).all()
    return rows[::-1]


def page_after(session: Session, message: Message, limit: int, kind: MessageType | None) -> Sequence[Message]:
    """The `limit` branch messages (of one `kind`) just after `message`, in order."""
    return session.scalars(
        select(Message)
        .where(*_on_branch(message.conversation_id, kind), Message.depth > message.depth)
        .order_by(Message.depth)
        .limit(limit)
    ).all()


def cursor_if(more: bool, rows: Sequence[Message]) -> str | None:
    """The cursor that goes on after `rows`, if there is more."""
    return encode_cursor(CURSOR, rows[-1].depth) if more and rows else None


def versions(session: Session, rows: Sequence[Message]) -> dict[int, list[str]]:
    """For each row, the uuids of the visible messages that share its place and role, oldest first."""
    if not rows:
        return {}
    parents = {row.parent_id for row in rows}
    siblings: dict[tuple[int | None, str], list[str]] = {}
    found = session.execute(
        select(Message.parent_id, Message.role, Message.uuid)
        .where(
            Message.conversation_id.in_({row.conversation_id for row in rows}),
            Message.status == RowStatus.ACTIVE,
            or_(
                Message.parent_id.in_([parent for parent in parents if parent is not None]),
                Message.parent_id.is_(None) if None in parents else Message.id.is_(None),
            ),
        )
        .order_by(Message.id)
    )
    for parent_id, role, uuid in found:
        siblings.setdefault((parent_id, role), []).append(uuid)
    return {row.id: siblings.get((row.parent_id, row.role), [row.uuid]) for row in rows}


def visible_parents(session: Session, rows: Sequence[Message]) -> dict[int, str | None]:
    """For each row, the uuid of its nearest ancestor that is not deleted."""
    parents = {
        row.id: (row.uuid, row.status, row.parent_id)
        for row in session.execute(
            select(Message.id, Message.uuid, Message.status, Message.parent_id).where(
                Message.id.in_([row.parent_id for row in rows if row.parent_id is not None])
            )
        )
    }
    answer: dict[int, str | None] = {}
    for row in rows:
        uuid, status, above = parents.get(row.parent_id or 0, (None, RowStatus.ACTIVE, None))
        answer[row.id] = uuid if status == RowStatus.ACTIVE else _first_visible(session, above)
    return answer


def _first_visible(session: Session, message_id: int | None) -> str | None:
    if message_id is None:
        return None
    upwards = (
        select(Message.id, Message.parent_id, Message.uuid, Message.status, Message.depth)
        .where(Message.id == message_id)
        .cte("upwards", recursive=True)
    )
    upwards = upwards.union_all(
        select(Message.id, Message.parent_id, Message.uuid, Message.status, Message.depth)
        .join(upwards, Message.id == upwards.c.parent_id)
        .where(upwards.c.status == RowStatus.DELETED)
    )
    return session.scalar(
        select(upwards.c.uuid).where(upwards.c.status == RowStatus.ACTIVE).order_by(upwards.c.depth.desc())
    )


def running(session: Session, rows: Iterable[Message]) -> dict[int, tuple[str, list[str]]]:
    """For each row that is streaming: its task id, and what its journal holds so far."""
    ids = [row.id for row in rows if row.state == MessageState.STREAMING]
    if not ids:
        return {}
    tasks: dict[int, tuple[str, list[str]]] = {}
    by_generation: dict[int, int] = {}
    for generation_id, uuid, message_id in session.execute(
        select(Generation.id, Generation.uuid, Generation.message_id).where(
            Generation.message_id.in_(ids), Generation.state == MessageState.STREAMING
        )
    ):
        tasks[message_id] = (uuid, [])
        by_generation[generation_id] = message_id
    for generation_id, payload in session.execute(
        select(GenerationEvent.generation_id, GenerationEvent.payload)
        .where(GenerationEvent.generation_id.in_(by_generation))
        .order_by(GenerationEvent.generation_id, GenerationEvent.seq)
    ):
        tasks[by_generation[generation_id]][1].append(payload)
    return tasks


def _on_branch(conversation_id: int, kind: MessageType | None = None) -> Sequence[ColumnElement[bool]]:
    return [
        Message.conversation_id == conversation_id,
        Message.on_branch.is_(True),
        Message.status == RowStatus.ACTIVE,
        *([] if kind is None else [Message.message_type == kind]),
    ]
