"""What is deleted, in the database."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, tuple_, update

from duihua.core.clock import iso
from duihua.core.ids import as_row_id
from duihua.core.pagination import decode_cursor, encode_cursor
from duihua.db.paging import read_page
from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.models import (
    ChatGroup,
    Conversation,
    Generation,
    GenerationEvent,
    Message,
    MessageRevision,
    Share,
)
from duihua.schemas.base import PageQuery
from duihua.vocabulary import ConversationStatus, MessageState, RowStatus

CURSOR = "trash"
# Fewer bound parameters than any database's limit.
_AT_ONCE = 5000
# Rows of older deployments may not say when they were deleted.
_DELETED_AT = func.coalesce(
    Conversation.deleted_at, Conversation.updated_at, type_=Conversation.deleted_at.type
)


def page(session: Session, user_id: int, query: PageQuery) -> tuple[Sequence[Conversation], int, str | None]:
    """One page of the user's deleted conversations, last deleted first, the total, and the next cursor.

    Raises:
        InvalidInput: a cursor that is not of this list.
    """
    conditions = _deleted(user_id)
    total = session.scalar(select(func.count()).select_from(Conversation).where(*conditions)) or 0
    statement = select(Conversation).where(*conditions).order_by(_DELETED_AT.desc(), Conversation.id.desc())
    rows, more = read_page(session, statement, query, _beyond)
    return rows, total, _cursor_of(rows[-1]) if more else None


def _beyond(cursor: str) -> ColumnElement[bool]:
    place = decode_cursor(cursor, CURSOR, datetime, int)
    return tuple_(_DELETED_AT, Conversation.id) < tuple_(*place)


def find(session: Session, user_id: int, references: Sequence[str] | None) -> Sequence[Conversation]:
    """Those that are in the user's trash, all for None; locked until the end of the transaction."""
    statement = locked(select(Conversation).where(*_deleted(user_id)).order_by(Conversation.id))
    if references is not None:
        ids = {reference: as_row_id(reference) for reference in references}
        statement = statement.where(
            or_(
                Conversation.uuid.in_([reference for reference, row_id in ids.items() if row_id is None]),
                Conversation.id.in_([row_id for row_id in ids.values() if row_id is not None]),
            )
        )
    return session.scalars(statement).all()


def any_running(session: Session, ids: Sequence[int]) -> bool:
    """Whether a run of these conversations may still write."""
    return any(
        session.scalar(
            select(Generation.id)
            .where(Generation.conversation_id.in_(some), Generation.state == MessageState.STREAMING)
            .limit(1)
        )
        for some in _portions(ids)
    )


def restore(session: Session, found: Sequence[Conversation], *, default_group_id: int) -> None:
    """Show these again; those whose group is gone are put into the default one."""
    ids = [row.id for row in found]
    # A group that is being deleted is waited for, and one that is there stays until these are in it.
    for some in _portions(sorted({row.group_id for row in found})):
        session.scalars(locked(select(ChatGroup).where(ChatGroup.id.in_(some)).order_by(ChatGroup.id))).all()
    group_is_there = exists().where(
        ChatGroup.id == Conversation.group_id, ChatGroup.status == RowStatus.ACTIVE
    )
    for some in _portions(ids):
        chosen = Conversation.id.in_(some)
        homeless = update(Conversation).where(chosen, ~group_is_there).values(group_id=default_group_id)
        session.execute(homeless.execution_options(synchronize_session=False))
        session.execute(
            update(Conversation)
            .where(chosen)
            .values(
                status=func.coalesce(Conversation.status_before, ConversationStatus.ACTIVE),
                status_before=None,
                deleted_at=None,
            )
            .execution_options(synchronize_session=False)
        )


def purge(session: Session, ids: Sequence[int]) -> None:
    """Remove these conversations, and first all that points to them."""
    for some in _portions(ids):
        runs = select(Generation.id).where(Generation.conversation_id.in_(some))
        messages = select(Message.id).where(Message.conversation_id.in_(some))
        for statement in (
            delete(Share).where(Share.conversation_id.in_(some)),
            delete(GenerationEvent).where(GenerationEvent.generation_id.in_(runs)),
            delete(Generation).where(Generation.conversation_id.in_(some)),
            delete(MessageRevision).where(MessageRevision.message_id.in_(messages)),
            delete(Message).where(Message.conversation_id.in_(some)),
            delete(Conversation).where(Conversation.id.in_(some)),
        ):
            session.execute(statement.execution_options(synchronize_session=False))


def files_of(session: Session, ids: Sequence[int]) -> set[str]:
    """The uuids of all files that messages of these conversations have."""
    return {uuid for some in _portions(ids) for uuid in _files(session, Message.conversation_id.in_(some))}


def files_of_user(session: Session, user_id: int) -> set[str]:
    """The uuids of all files that messages of this user have, deleted ones too."""
    return _files(session, Message.user_id == user_id)


def _files(session: Session, which: ColumnElement[bool]) -> set[str]:
    listed = session.scalars(select(Message.files).where(which, Message.files.is_not(None)))
    # Rows of older deployments and of imports may hold any JSON.
    named = (file.get("id") for files in listed for file in files or () if isinstance(file, dict))
    return {uuid for uuid in named if isinstance(uuid, str)}


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _deleted(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return Conversation.user_id == user_id, Conversation.status == ConversationStatus.DELETED


def _cursor_of(row: Conversation) -> str:
    return encode_cursor(CURSOR, iso(row.deleted_at or row.updated_at), row.id)
