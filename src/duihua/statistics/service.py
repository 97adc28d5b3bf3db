"""What is asked of statistics: units of work for `Database.read` and `Database.write`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from duihua.changes import counting
from duihua.connections import access as connection_access
from duihua.core.clock import iso, now
from duihua.core.errors import InvalidInput
from duihua.db.session import Session
from duihua.groups import access as group_access
from duihua.schemas.statistics import ModelUsageQuery, StatisticsQuery, TimeQuery
from duihua.settings import service as settings
from duihua.statistics import repository, usage_repository
from duihua.statistics.periods import (
    Period,
    between,
    month_of,
    nearest_month,
    periods,
    quarter_of,
    start_of_quarter,
    units,
)
from duihua.statistics.repository import Counted, Counts
from duihua.statistics.usage_repository import Used
from duihua.vocabulary import Role

# More months than any archive has: beyond this the oldest are one point.
_MOST_POINTS = 400
# No message is from later, wherever it was imported from.
_END = datetime(9999, 1, 1, tzinfo=UTC)


def statistics(session: Session, user_id: int, query: StatisticsQuery) -> dict[str, Any]:
    """A `StatisticsResponse`. Raises GroupNotFound, InvalidInput."""
    zone = _zone(session, user_id, query)
    days = _days(query, zone)
    fitting = units(query.time_range, days)
    if query.by not in {None, *fitting}:
        raise InvalidInput(field="query.by", reason=f"not for {'these days' if days else query.time_range}")
    if query.group_id is not None:
        group_access.owned(session, user_id, query.group_id)
    counted = Counted(user_id, query.group_id)
    unit = query.by or fitting[0]
    asked = _bounded(between(*days, zone, unit)) if days else _periods(session, query, counted, zone, unit)
    find = _by_month if unit == "month" else _by_quarter
    trend = [_Sums() for _ in asked]
    models: defaultdict[str, _Sums] = defaultdict(_Sums)
    groups: defaultdict[int, _Sums] = defaultdict(_Sums)
    for place, sign, counts in find(session, counted, asked):
        trend[place].add(sign, counts)
        groups[counts.group_id].add(sign, counts)
        if counts.kind == Role.ASSISTANT and counts.model_id:
            models[counts.model_id].add(sign, counts)
    names = repository.group_names(session, list(groups))
    return {
        "overview": _overview(trend),
        "trend": [{"date": period.label} | _point(said) for period, said in zip(asked, trend, strict=True)],
        "models": _busiest(
            {"model_id": model, "messages": said.messages, "tokens": said.tokens}
            for model, said in sorted(models.items())
        ),
        "groups": _busiest(
            {"group_id": group_id, "name": names[group_id]} | _point(said)
            for group_id, said in sorted(groups.items())
        ),
    }


def differences(session: Session) -> tuple[int, int]:
    """How many tallies there are, and how many are wrong or missing: a unit of work for `Database.read`."""
    return counting.differences(session)


def rebuild(session: Session) -> None:
    """Count everything anew: for rows that came without being told, as from a repaired database."""
    counting.rebuild(session)
    usage_repository.forget_all(session)


def _periods(
    session: Session, query: StatisticsQuery, counted: Counted, zone: ZoneInfo, unit: str
) -> list[Period]:
    first = repository.first_quarter(session, counted) if query.time_range == "all" else None
    since = None if first is None else start_of_quarter(first)
    found = periods(query.time_range, zone, now(), since, unit)
    if query.time_range == "all":
        # Imported clocks may run ahead: everything is everything.
        found[-1] = found[-1]._replace(end=_END)
    return _bounded(found)


def _bounded(found: list[Period]) -> list[Period]:
    if len(found) <= _MOST_POINTS:
        return found
    older = found[: -_MOST_POINTS + 1]
    return [older[0]._replace(end=older[-1].end), *found[-_MOST_POINTS + 1 :]]


# What is found: to which point it belongs, whether it is added (1) or taken away (-1), and what it is.
_Found = Iterator[tuple[int, int, Counts]]


def _by_quarter(session: Session, counted: Counted, asked: Sequence[Period]) -> _Found:
    borders = [quarter_of(border) for border in _borders(asked)]
    return ((counts.place, 1, counts) for counts in repository.between(session, counted, borders))


def _by_month(session: Session, counted: Counted, asked: Sequence[Period]) -> _Found:
    """The months of UTC, and at each border the quarter-hours between it and that of the zone."""
    borders = _borders(asked)
    months = [nearest_month(border) for border in borders]
    begins = [month_of(month) for month in months]
    points = {
        month: place for place in range(len(asked)) for month in range(begins[place], begins[place + 1])
    }
    # One more on either side: what lies beyond a border may be in it.
    found = repository.in_months(session, counted, begins[0] - 1, begins[-1] + 1)
    yield from ((points[counts.place], 1, counts) for counts in found if counts.place in points)
    there = {counts.place for counts in found}
    edges = {
        place: range(*sorted(map(quarter_of, (border, month))))
        for place, (border, month) in enumerate(zip(borders, months, strict=True))
        if border != month and not there.isdisjoint({month_of(month) - 1, month_of(month)})
    }
    for counts in repository.in_ranges(session, counted, edges):
        # What lies between a border and a later month belongs behind it, and was counted before it.
        sign = 1 if borders[counts.place] < months[counts.place] else -1
        if counts.place < len(asked):
            yield counts.place, sign, counts
        if counts.place > 0:
            yield counts.place - 1, -sign, counts


def _borders(asked: Sequence[Period]) -> list[datetime]:
    return [asked[0].begin, *(period.end for period in asked)]


def _days(query: TimeQuery, zone: ZoneInfo) -> tuple[date, date] | None:
    """The first and the last day, where days are named."""
    if query.start_date is None and query.end_date is None:
        return None
    today = now().astimezone(zone).date()
    last = query.end_date or max(today, query.start_date or today)
    return query.start_date or last, last


def _zone(session: Session, user_id: int, query: TimeQuery) -> ZoneInfo:
    return ZoneInfo(query.tz) if query.tz else settings.time_zone(session, user_id)


class _Sums:
    """What is found of one point, model or group; thousands of counts come together here."""

    __slots__ = ("by_assistant", "by_user", "characters", "conversations", "messages", "tokens")

    def __init__(self) -> None:
        self.conversations = self.messages = self.by_user = self.by_assistant = 0
        self.tokens = self.characters = 0

    def add(self, sign: int, counts: Counts) -> None:
        _, _, kind, _, number, tokens, characters = counts
        if kind == repository.CONVERSATION:
            self.conversations += sign * number
            return
        self.messages += sign * number
        self.tokens += sign * tokens
        self.characters += sign * characters
        if kind == Role.USER:
            self.by_user += sign * number
        elif kind == Role.ASSISTANT:
            self.by_assistant += sign * number


def _overview(trend: Sequence[_Sums]) -> dict[str, int]:
    return {
        "conversation_count": sum(said.conversations for said in trend),
        "message_count": sum(said.messages for said in trend),
        "user_message_count": sum(said.by_user for said in trend),
        "assistant_message_count": sum(said.by_assistant for said in trend),
        "token_count": sum(said.tokens for said in trend),
        "character_count": sum(said.characters for said in trend),
    }


def _point(said: _Sums) -> dict[str, Any]:
    return {"conversations": said.conversations, "messages": said.messages, "tokens": said.tokens}


def _busiest(items: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of which there is anything, the busiest first."""
    there = [item for item in items if item["messages"] or item.get("conversations")]
    return sorted(there, key=lambda item: (-item["messages"], -item.get("conversations", 0)))


def of_models(session: Session, user_id: int, query: ModelUsageQuery) -> list[dict[str, Any]]:
    """`ModelUsage`s: every model that was asked in this time."""
    time = _whole(session, user_id, query)
    found = usage_repository.used(session, user_id, time, "model_id", query.model_id)
    busiest = sorted(found.items(), key=lambda item: (-item[1].sums["requests"], item[0]))
    return [{"model_id": model_id} | _told(used) for model_id, used in busiest]


def of_connections(session: Session, user_id: int, query: TimeQuery) -> list[dict[str, Any]]:
    """`ConnectionUsage`s: every connection, asked or not."""
    found = usage_repository.used(session, user_id, _whole(session, user_id, query), "connection_id")
    return [
        {"api_key_id": row.id, "provider": row.provider, "model_name": row.model_name}
        | _told(found.get(row.id, Used()))
        for row in connection_access.every(session, user_id)
    ]


def _whole(session: Session, user_id: int, query: TimeQuery) -> Period:
    zone = _zone(session, user_id, query)
    if days := _days(query, zone):
        found = between(*days, zone, "month")
    elif query.time_range == "all":
        return usage_repository.EVER
    else:
        found = periods(query.time_range, zone, now(), None)
    return Period("", found[0].begin, found[-1].end)


def _told(used: Used) -> dict[str, Any]:
    sums, last = used.sums, used.last_used_at
    return {
        **{name: sums[name] for name in ("requests", "errors", "prompt_tokens", "completion_tokens")},
        "average_latency": _mean(sums["latency_ms"] / 1000, sums["completed"]),
        "average_first_token": _mean(sums["first_token_ms"] / 1000, sums["begun"]),
        # Of all tokens over all seconds: a short reply weighs little.
        "average_tokens_per_second": _mean(sums["written_tokens"], sums["writing_ms"] / 1000),
        "last_used_at": iso(last) if last else None,
    }


def _mean(whole: float, parts: float) -> float | None:
    return round(whole / parts, 3) if parts else None
