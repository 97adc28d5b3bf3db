"""What models did, in the database: of days that are counted from their tallies, else from the runs."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    select,
)

from duihua.core.clock import day_of, start_of_day
from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.models import Generation, UsageTally, User
from duihua.statistics.periods import Period
from duihua.vocabulary import MessageState

EVER = Period("", datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
_COMPLETE = Generation.state == MessageState.COMPLETE
_WRITTEN = and_(_COMPLETE, Generation.completion_tokens.is_not(None), Generation.first_token_ms.is_not(None))
_TIMED = and_(_COMPLETE, Generation.total_ms.is_not(None))


def _sum(values: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(values), 0)


_SUMS: dict[str, ColumnElement[Any]] = {
    "requests": func.count(Generation.id),
    "errors": func.count(case((Generation.state == MessageState.FAILED, 1))),
    "prompt_tokens": _sum(Generation.prompt_tokens),
    "completion_tokens": _sum(Generation.completion_tokens),
    "completed": func.count(case((_TIMED, 1))),
    "latency_ms": _sum(case((_TIMED, Generation.total_ms))),
    "begun": func.count(Generation.first_token_ms),
    "first_token_ms": _sum(Generation.first_token_ms),
    "written_tokens": _sum(case((_WRITTEN, Generation.completion_tokens))),
    "writing_ms": _sum(case((_WRITTEN, Generation.total_ms - Generation.first_token_ms))),
}
_LAST = "last_used_at"
_IS_COUNTED = UsageTally.connection_id == UsageTally.COUNTED
# As many as SQLite's one writer counts in some hundredths of a second.
_DAYS_AT_ONCE = 31
By = Literal["model_id", "connection_id"]


class Used:
    """The sums of what one model or connection did."""

    def __init__(self) -> None:
        self.sums: dict[str, int] = dict.fromkeys(_SUMS, 0)
        self.last_used_at: datetime | None = None

    def add(self, row: Any) -> None:
        """Add those of some time."""
        for name in _SUMS:
            # PostgreSQL adds whole numbers up to decimal ones.
            self.sums[name] += int(row[name])
        moments = [moment for moment in (self.last_used_at, row[_LAST]) if moment is not None]
        self.last_used_at = max(moments, default=None)


def used(
    session: Session, user_id: int, time: Period, by: By, model_id: str | None = None
) -> dict[Any, Used]:
    """What was done in this time, by model or by connection (those of the operator left out)."""
    days = _counted(session, user_id, time)
    found: defaultdict[Any, Used] = defaultdict(Used)
    for statement in (
        *([_tallied(user_id, days, by, model_id)] if days else []),
        *(_recorded(user_id, gap, by, model_id) for gap in _gaps(time, days)),
    ):
        for row in session.execute(statement).mappings():
            found[row[by]].add(row)
    return found


def _tallied(user_id: int, days: list[int], by: By, model_id: str | None) -> Select[Any]:
    column = getattr(UsageTally, by)
    sums = (func.sum(getattr(UsageTally, name)).label(name) for name in _SUMS)
    statement = (
        select(column, *sums, func.max(UsageTally.last_used_at).label(_LAST))
        .where(UsageTally.user_id == user_id, UsageTally.day.between(days[0], days[-1]))
        .where(UsageTally.connection_id > (0 if by == "connection_id" else UsageTally.COUNTED))
        .group_by(column)
    )
    return statement if model_id is None else statement.where(UsageTally.model_id == model_id)


def _recorded(user_id: int, gap: tuple[datetime, datetime], by: By, model_id: str | None) -> Select[Any]:
    column = getattr(Generation, by)
    statement = _summed(user_id, *gap, column).where(column.is_not(None)).group_by(column)
    return statement if model_id is None else statement.where(Generation.model_id == model_id)


def _summed(user_id: int, begin: datetime, end: datetime, *columns: Any) -> Select[Any]:
    sums = (value.label(name) for name, value in _SUMS.items())
    return select(*columns, *sums, func.max(Generation.created_at).label(_LAST)).where(
        Generation.user_id == user_id, Generation.created_at >= begin, Generation.created_at < end
    )


def _counted(session: Session, user_id: int, time: Period) -> list[int]:
    """The days that are counted and wholly in this time, in order."""
    first, end = day_of(time.begin), day_of(time.end)
    if start_of_day(first) < time.begin:
        first += 1
    return list(
        session.scalars(
            select(UsageTally.day)
            .where(UsageTally.user_id == user_id, _IS_COUNTED)
            .where(UsageTally.day >= first, UsageTally.day < end)
            .order_by(UsageTally.day)
        )
    )


def _gaps(time: Period, days: list[int]) -> Iterator[tuple[datetime, datetime]]:
    begin = time.begin
    for day in days:
        if begin < start_of_day(day):
            yield begin, start_of_day(day)
        begin = start_of_day(day + 1)
    if begin < time.end:
        yield begin, time.end


def uncounted(session: Session, before: datetime) -> list[tuple[int, range]]:
    """For users: days since their first run that ended before then and are not counted, some at a time."""
    counted = select(UsageTally.user_id, UsageTally.day).where(_IS_COUNTED)
    known = {(user_id, day) for user_id, day in session.execute(counted)}
    found: list[tuple[int, range]] = []
    for user_id in session.scalars(select(User.id)):
        first = session.scalar(select(func.min(Generation.created_at)).where(Generation.user_id == user_id))
        for day in range(day_of(first or before), day_of(before)):
            if (user_id, day) in known:
                continue
            last_user, days = found[-1] if found else (None, range(0))
            if last_user == user_id and days.stop == day and len(days) < _DAYS_AT_ONCE:
                found[-1] = user_id, range(days.start, day + 1)
            else:
                found.append((user_id, range(day, day + 1)))
    return found


def count(session: Session, user_id: int, days: range) -> None:
    """Count these days, unless somebody has, as far as no run of them goes on."""
    # Who purges runs, or counts, has this row locked until the end.
    session.scalars(locked(select(User).where(User.id == user_id))).one()
    if _counted(session, user_id, Period("", start_of_day(days.start), start_of_day(days.stop))):
        return
    running = _first_run(session, user_id, days, Generation.state == MessageState.STREAMING)
    days = days if running is None else range(days.start, running)
    nothing = {"user_id": user_id, "connection_id": UsageTally.COUNTED, "model_id": ""} | dict.fromkeys(
        _SUMS, 0
    )
    if days:
        session.execute(insert(UsageTally), [nothing | {"day": day} for day in days])
    while (day := _first_run(session, user_id, days)) is not None:
        connection = func.coalesce(Generation.connection_id, 0)
        key = (literal(user_id), literal(day), connection, Generation.model_id)
        rows = _summed(user_id, start_of_day(day), start_of_day(day + 1), *key)
        columns = ["user_id", "day", "connection_id", "model_id", *_SUMS, _LAST]
        tallies = rows.group_by(connection, Generation.model_id)
        session.execute(insert(UsageTally).from_select(columns, tallies))
        days = range(day + 1, days.stop)


def _first_run(session: Session, user_id: int, days: range, *which: ColumnElement[bool]) -> int | None:
    """The first of these days that has a run."""
    first = session.scalar(
        select(func.min(Generation.created_at))
        .where(Generation.user_id == user_id, *which)
        .where(
            Generation.created_at >= start_of_day(days.start), Generation.created_at < start_of_day(days.stop)
        )
    )
    return None if first is None else day_of(first)


def forget_all(session: Session) -> None:
    """Count every day anew, when it is time to."""
    session.execute(delete(UsageTally).execution_options(synchronize_session=False))
