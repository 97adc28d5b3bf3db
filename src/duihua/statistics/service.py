"""What is asked of statistics: units of work for `Database.read`."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from duihua.core.clock import now
from duihua.db.session import Session
from duihua.groups import access as group_access
from duihua.schemas.statistics import StatisticsQuery
from duihua.settings import service as settings
from duihua.statistics import repository
from duihua.statistics.periods import Period, periods
from duihua.statistics.repository import Counted, Sums

# More months than any archive has: beyond this the oldest are one point.
_MOST_POINTS = 400


def statistics(session: Session, user_id: int, query: StatisticsQuery) -> dict[str, Any]:
    """A `StatisticsResponse`. Raises GroupNotFound."""
    if query.group_id is not None:
        group_access.owned(session, user_id, query.group_id)
    counted = Counted(user_id, query.group_id)
    asked = _periods(session, query, counted)
    begun = repository.begun(session, counted, asked)
    written = repository.sums(session, counted, asked)
    whole = Period("", asked[0].begin, asked[-1].end)
    return {
        "overview": _overview(sum(begun.values()), list(written.values())),
        "trend": [
            _point(period, begun.get(place, 0), written.get(place, Sums()))
            for place, period in enumerate(asked)
        ],
        "models": repository.by_model(session, counted, whole),
        "groups": repository.by_group(session, counted, whole),
    }


def _periods(session: Session, query: StatisticsQuery, counted: Counted) -> list[Period]:
    zone = ZoneInfo(query.tz) if query.tz else settings.time_zone(session, counted.user_id)
    first = repository.first_moment(session, counted) if query.time_range == "all" else None
    found = periods(query.time_range, zone, now(), first)
    if query.time_range == "all":
        # Imported clocks may run ahead: everything is everything.
        found[-1] = found[-1]._replace(end=datetime.max.replace(tzinfo=UTC))
        older = found[: -_MOST_POINTS + 1]
        if len(found) > _MOST_POINTS:
            found = [older[0]._replace(end=older[-1].end), *found[-_MOST_POINTS + 1 :]]
    return found


def _overview(conversations: int, written: list[Sums]) -> dict[str, int]:
    messages, of_users, of_assistants, tokens, characters = (
        sum(values) for values in zip(Sums(), *written, strict=True)
    )
    return {
        "conversation_count": conversations,
        "message_count": messages,
        "user_message_count": of_users,
        "assistant_message_count": of_assistants,
        "token_count": tokens,
        "character_count": characters,
    }


def _point(period: Period, conversations: int, written: Sums) -> dict[str, Any]:
    return {
        "date": period.label,
        "conversations": conversations,
        "messages": written.messages,
        "tokens": written.tokens,
    }
