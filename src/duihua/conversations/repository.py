"""Conversations in the database."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    update,
)

from duihua.core.clock import iso, now
from duihua.core.ids import as_row_id
from duihua.core.pagination import decode_cursor, encode_cursor
from duihua.db.base import table_of
from duihua.db.matching import within
from duihua.db.paging import read_page
from duihua.db.rows import locked, untracked
from duihua.db.session import Session
from duihua.db.telling import look
from duihua.models import Conversation, Message
from duihua.schemas.conversation import ConversationQuery
from duihua.search_index.lookup_repository import conversations_with
from duihua.search_index.query import parse
from duihua.vocabulary import ConversationStatus, RowStatus, TitleSource


def find(session: Session, user_id: int, reference: str, *, lock: bool = False) -> Conversation | None:
    """The user's conversation by uuid or id, unless it is deleted; `lock` keeps other writers off its row."""
    row_id = as_row_id(reference)
    statement = _one(by_id=row_id is not None, lock=lock)
    return session.scalar(statement, {"name": reference if row_id is None else row_id, "user": user_id})


def to_append(session: Session, user_id: int, reference: str) -> Conversation | None:
    """The same, locked, as a row that no session tracks, which takes a third of the time to read."""
    row_id = as_row_id(reference)
    named = {"name": reference if row_id is None else row_id, "user": user_id}
    found = look(session.connection(), _row_of(by_id=row_id is not None), named)
    return untracked(Conversation, **found[0]) if found else None


@cache
def _row_of(*, by_id: bool) -> Select[Any]:
    row = table_of(Conversation)
    name = row.c.id if by_id else row.c.uuid
    return select(row).where(name == bindparam("name"), *_visible(bindparam("user"))).with_for_update()


@cache
def _one(*, by_id: bool, lock: bool) -> Select[Conversation]:
    name = Conversation.id if by_id else Conversation.uuid
    statement = select(Conversation).where(name == bindparam("name"), *_visible(bindparam("user")))
    return locked(statement) if lock else statement


def lock_all(session: Session, user_id: int, references: Sequence[str]) -> dict[str, Conversation]:
    """Those of the user's conversations that exist, by the reference that named each; locked."""
    ids = {reference: as_row_id(reference) for reference in references}
    statement = select(Conversation).where(
        or_(
            Conversation.uuid.in_([reference for reference, row_id in ids.items() if row_id is None]),
            Conversation.id.in_([row_id for row_id in ids.values() if row_id is not None]),
        ),
        *_visible(user_id),
    )
    # In one order, so that two of these wait for each other in turn.
    rows = session.scalars(locked(statement.order_by(Conversation.id))).all()
    by_name: dict[str | int, Conversation] = {row.uuid: row for row in rows} | {row.id: row for row in rows}
    return {
        reference: by_name[name]
        for reference, row_id in ids.items()
        if (name := reference if row_id is None else row_id) in by_name
    }


def page(
    session: Session, user_id: int, query: ConversationQuery
) -> tuple[Sequence[Conversation], int, str | None]:
    """One page of what `query` asks for, the total, and the cursor of the next page.

    Raises:
        InvalidInput: a cursor that is not of this list.
    """
    conditions = _filters(session, user_id, query)
    total = session.scalar(select(func.count()).select_from(Conversation).where(*conditions)) or 0
    statement = select(Conversation).where(*conditions).order_by(*_order(session, query.sort))
    rows, more = read_page(session, statement, query, partial(_after_cursor, session, query.sort))
    return rows, total, _cursor_of(rows[-1], query.sort) if more else None


def move(session: Session, rows: Sequence[Conversation], group_id: int) -> None:
    """Put the conversations into a group; their place in the list of newest stays."""
    _update(session, rows, group_id=group_id)


def shelve(session: Session, rows: Sequence[Conversation], status: str) -> None:
    """Give the conversations this status; their place in the list of newest stays."""
    _update(session, rows, status=status)


def title_untitled(session: Session, conversation_id: int, title: str) -> bool:
    """Replace a default title, whoever is writing another at this moment; whether it was one."""
    given = session.scalar(
        update(Conversation)
        .where(
            Conversation.id == conversation_id,
            Conversation.title_source == TitleSource.DEFAULT,
            Conversation.status != ConversationStatus.DELETED,
        )
        .values(title=title, title_source=TitleSource.GENERATED)
        .returning(Conversation.id)
        .execution_options(synchronize_session=False)
    )
    return given is not None


def mark_deleted(session: Session, rows: Sequence[Conversation]) -> None:
    """Hide the conversations."""
    _update(
        session,
        rows,
        status=ConversationStatus.DELETED,
        status_before=Conversation.status,
        deleted_at=now(),
    )


def clear_messages(session: Session, conversation: Conversation) -> Sequence[int]:
    """Hide all messages of a conversation, on every branch; their ids."""
    return session.scalars(
        update(Message)
        .where(Message.conversation_id == conversation.id, Message.status == RowStatus.ACTIVE)
        .values(status=RowStatus.DELETED, deleted_at=now())
        .returning(Message.id)
    ).all()


def _update(session: Session, rows: Sequence[Conversation], **values: Any) -> None:
    ids = [row.id for row in rows]
    session.execute(update(Conversation).where(Conversation.id.in_(ids)).values(**values))


def _visible(user_id: int | BindParameter[int]) -> tuple[ColumnElement[bool], ...]:
    return Conversation.user_id == user_id, Conversation.status != ConversationStatus.DELETED


def _filters(session: Session, user_id: int, query: ConversationQuery) -> list[ColumnElement[bool]]:
    conditions = list(_visible(user_id))
    if query.status != "all":
        conditions.append(Conversation.status == query.status)
    if query.group_id is not None:
        conditions.append(Conversation.group_id == query.group_id)
    if query.model_id is not None:
        conditions.append(Conversation.model_id == query.model_id)
    if query.pinned is not None:
        conditions.append(Conversation.pinned == query.pinned)
    conditions += within(Conversation.updated_at, query)
    if query.keyword is not None:
        wanted = parse(query.keyword)
        conditions.append(conversations_with(session, user_id, wanted, Conversation.id))
    return conditions


def _sort_column(session: Session, sort: str) -> Any:
    if sort != "title":
        return Conversation.created_at if sort == "created" else Conversation.updated_at
    # Bytewise on both databases: PostgreSQL would else order by its own locale.
    return Conversation.title.collate("BINARY" if session.get_bind().dialect.name == "sqlite" else "C")


def _order(session: Session, sort: str) -> tuple[ColumnElement[Any], ...]:
    column = _sort_column(session, sort)
    if sort == "title":
        return Conversation.pinned.desc(), column.asc(), Conversation.id.asc()
    return Conversation.pinned.desc(), column.desc(), Conversation.id.desc()


def _after_cursor(session: Session, sort: str, cursor: str) -> ColumnElement[bool]:
    kind = str if sort == "title" else datetime
    pinned, value, row_id = decode_cursor(cursor, f"conversations.{sort}", bool, kind, int)
    place = tuple_(_sort_column(session, sort), Conversation.id)
    here = tuple_(value, row_id)
    further = place > here if sort == "title" else place < here
    within = and_(Conversation.pinned == pinned, further)
    # Unpinned conversations come after all pinned ones.
    return or_(within, Conversation.pinned.is_(False)) if pinned else within


def _cursor_of(row: Conversation, sort: str) -> str:
    moment = row.created_at if sort == "created" else row.updated_at
    value = row.title if sort == "title" else iso(moment)
    return encode_cursor(f"conversations.{sort}", row.pinned, value, row.id)
