"""What was counted, in the database."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, func, literal_column, select, union_all

from duihua.db.session import Session
from duihua.models import ChatGroup, Tally
from duihua.vocabulary import Span

# The kind of what is no message.
CONVERSATION = "conversation"
# SQLite joins at most 500 queries.
_RANGES_AT_ONCE = 100
# There are as many of these statements as there are time ranges, and SQLAlchemy would keep hundreds of them.
_ONCE: dict[str, Any] = {"compiled_cache": None}


class Counted(NamedTuple):
    """Whose, and of which group; None for all."""

    user_id: int
    group_id: int | None


class Counts(NamedTuple):
    """What there is of one kind, group and model in one place."""

    place: int
    group_id: int
    kind: str
    model_id: str
    number: int
    tokens: int
    characters: int


def first_quarter(session: Session, counted: Counted) -> int | None:
    """The first quarter-hour that has anything; None where there is none."""
    mine = select(Tally.start).where(*_mine(counted, Span.QUARTER), Tally.number > 0)
    return session.scalar(mine.order_by(Tally.start).limit(1))


def between(session: Session, counted: Counted, borders: Sequence[int]) -> list[Counts]:
    """What lies between each two of these quarter-hours, which ascend; its place is that of the first."""
    place = literal_column(_place(borders, 0, len(borders) - 1), Integer)
    within = (Tally.start >= borders[0], Tally.start < borders[-1])
    statement: Select[Any] = select(place, *_KEY, *_SUMS).where(*_mine(counted, Span.QUARTER), *within)
    return _counts(session, statement, _ONCE)


def _place(borders: Sequence[int], first: int, end: int) -> str:
    """Which of these places it is, by halves: a year has 366 days, and many rows.

    As SQL: as expressions of SQLAlchemy a year is thousands of objects.
    """
    if end - first == 1:
        return str(first)
    middle = (first + end) // 2
    before, behind = _place(borders, first, middle), _place(borders, middle, end)
    return f"CASE WHEN {Tally.start.expression} < {borders[middle]:d} THEN {before} ELSE {behind} END"


def in_ranges(session: Session, counted: Counted, ranges: Mapping[int, range]) -> list[Counts]:
    """What lies in each of these ranges of quarter-hours, by their places."""
    places = list(ranges)
    found: list[Counts] = []
    for at in range(0, len(places), _RANGES_AT_ONCE):
        # Each for itself: of a list of quarter-hours PostgreSQL would look at every row.
        selects = (_in_range(counted, place, ranges[place]) for place in places[at : at + _RANGES_AT_ONCE])
        found += map(_counts_of, session.execute(union_all(*selects), execution_options=_ONCE))
    return found


def _in_range(counted: Counted, place: int, quarters: range) -> Select[Any]:
    within = (Tally.start >= quarters.start, Tally.start < quarters.stop)
    found: Select[Any] = select(literal_column(str(place)), *_KEY, *_SUMS)
    return found.where(*_mine(counted, Span.QUARTER), *within).group_by(*_KEY)


def in_months(session: Session, counted: Counted, begin: int, end: int) -> list[Counts]:
    """What each month holds, from `begin` until before `end`; its place is the month."""
    statement: Select[Any] = select(Tally.start, *_KEY, *_SUMS).where(Tally.start >= begin, Tally.start < end)
    return _counts(session, statement.where(*_mine(counted, Span.MONTH)))


def group_names(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """The names of groups."""
    rows = session.execute(select(ChatGroup.id, ChatGroup.name).where(ChatGroup.id.in_(ids)))
    return {row.id: row.name for row in rows}


_KEY: tuple[Any, ...] = (Tally.group_id, Tally.kind, Tally.model_id)
_SUMS: tuple[Any, ...] = (func.sum(Tally.number), func.sum(Tally.tokens), func.sum(Tally.characters))


def _counts(session: Session, statement: Select[Any], once: Mapping[str, Any] | None = None) -> list[Counts]:
    # By their places in the list: to PostgreSQL an expression with parameters is a new one each time.
    grouped = statement.group_by(*(literal_column(str(place)) for place in range(1, len(_KEY) + 2)))
    return [_counts_of(row) for row in session.execute(grouped, execution_options=once or {})]


def _counts_of(row: Any) -> Counts:
    # PostgreSQL adds whole numbers up to decimal ones.
    return Counts(*row[:-3], *map(int, row[-3:]))


def _mine(counted: Counted, span: Span) -> list[ColumnElement[bool]]:
    conditions = [Tally.user_id == counted.user_id, Tally.span == span]
    return conditions + ([] if counted.group_id is None else [Tally.group_id == counted.group_id])
