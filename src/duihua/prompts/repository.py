"""Prompts in the database."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import JSON, ColumnElement, String, and_, case, cast, func, literal, or_, select, update

from duihua.core.clock import now
from duihua.core.pagination import decode_cursor, encode_cursor
from duihua.db.matching import contains, within
from duihua.db.paging import read_page
from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.models import Prompt
from duihua.schemas.prompt import PromptQuery
from duihua.vocabulary import RowStatus

CURSOR = "prompts"


def find(session: Session, user_id: int, prompt_id: int, *, lock: bool = False) -> Prompt | None:
    """The user's prompt, unless it is deleted; `lock` keeps other writers off its row."""
    statement = select(Prompt).where(Prompt.id == prompt_id, *_visible(user_id))
    return session.scalar(locked(statement) if lock else statement)


def page(session: Session, user_id: int, query: PromptQuery) -> tuple[Sequence[Prompt], int, str | None]:
    """One page by `sort`, newest first, the total, and the cursor of the next page.

    Raises:
        InvalidInput: a cursor that is not of this list.
    """
    conditions = _filters(session, user_id, query)
    total = session.scalar(select(func.count()).select_from(Prompt).where(*conditions)) or 0
    statement = select(Prompt).where(*conditions).order_by(Prompt.sort, Prompt.id.desc())
    rows, more = read_page(session, statement, query, _beyond)
    return rows, total, encode_cursor(CURSOR, rows[-1].sort, rows[-1].id) if more else None


def _beyond(cursor: str) -> ColumnElement[bool]:
    sort, row_id = decode_cursor(cursor, CURSOR, int, int)
    return or_(Prompt.sort > sort, and_(Prompt.sort == sort, Prompt.id < row_id))


def mark_deleted(session: Session, user_id: int, ids: Sequence[int]) -> Sequence[int]:
    """Hide those of the user's prompts that exist; their ids."""
    return session.scalars(
        update(Prompt)
        .where(Prompt.id.in_(ids), *_visible(user_id))
        .values(status=RowStatus.DELETED, deleted_at=now())
        .returning(Prompt.id)
        .execution_options(synchronize_session=False)
    ).all()


def tags_of(session: Session, user_id: int) -> list[str]:
    """The tags of the user's prompts, the most used first."""
    stored = session.scalars(select(Prompt.tags).where(*_visible(user_id), Prompt.tags.is_not(None)))
    lists = [tags for tags in stored if isinstance(tags, list)]
    used = Counter(tag for tags in lists for tag in tags if isinstance(tag, str))
    return sorted(used, key=lambda tag: (-used[tag], tag))


def _visible(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return Prompt.user_id == user_id, Prompt.status == RowStatus.ACTIVE


def _filters(session: Session, user_id: int, query: PromptQuery) -> list[ColumnElement[bool]]:
    conditions = list(_visible(user_id))
    if query.keyword is not None:
        columns = (Prompt.title, Prompt.description, Prompt.content)
        conditions.append(or_(*(contains(session, column, query.keyword) for column in columns)))
    if query.category is not None:
        conditions.append(Prompt.category == query.category)
    conditions += within(Prompt.updated_at, query)
    return conditions + [_has_tag(session, tag) for tag in query.wanted_tags]


def _has_tag(session: Session, tag: str) -> ColumnElement[bool]:
    # Older rows may hold any JSON there: only of an array the members are asked for.
    if session.get_bind().dialect.name == "sqlite":
        members = func.json_each(Prompt.tags).table_valued("value")
        is_array = func.json_type(Prompt.tags) == "array"
        return and_(is_array, select(literal(1)).where(members.c.value == tag).exists())
    is_array = func.json_typeof(Prompt.tags) == "array"
    array = case((is_array, Prompt.tags), else_=cast(literal("[]", String), JSON))
    members = func.json_array_elements_text(array).table_valued("value")
    return select(literal(1)).select_from(members).where(members.c.value == tag).exists()
