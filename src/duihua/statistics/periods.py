"""A time range cut at the hours, days or months of a time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

_QUARTER = timedelta(minutes=15)
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_DAYS = {"day": 1, "week": 7, "month": 30}
_MONTHS_OF_A_YEAR = 12
# What a time range may be cut into; the first where nobody says.
UNITS = {
    "day": ("hour",),
    "week": ("day", "hour"),
    "month": ("day",),
    "year": ("month", "day"),
    "all": ("month",),
}


_MOST_DAYS = {"hour": 7, "day": 366}


def units(time_range: str, days: tuple[date, date] | None) -> tuple[str, ...]:
    """What it may be cut into, the first where nobody says: at most some 170 hours, 370 days, any months."""
    if days is None:
        return UNITS[time_range]
    count = (days[1] - days[0]).days + 1
    usual = "hour" if count == 1 else "day" if count <= 92 else "month"
    fitting = [unit for unit in ("hour", "day") if count <= _MOST_DAYS[unit]]
    return (usual, *(unit for unit in (*fitting, "month") if unit != usual))


class Period(NamedTuple):
    """What happened from `begin` (in UTC, included) to `end` (excluded); `label` is its local name."""

    label: str
    begin: datetime
    end: datetime


def periods(
    time_range: str, zone: ZoneInfo, present: datetime, first: datetime | None, unit: str | None = None
) -> list[Period]:
    """Today, the last days, the last months, or (`all`) the months since `first`, cut into `unit`s.

    Oldest first; they follow each other without a gap. An hour or a day that the zone left out is not
    there; an hour that it had twice is one.
    """
    unit = unit or UNITS[time_range][0]
    today = present.astimezone(zone).date()
    since = _month(today, _MONTHS_OF_A_YEAR - 1)
    if time_range in _DAYS:
        since = today - timedelta(days=_DAYS[time_range] - 1)
    elif time_range == "all":
        since = min(today, (first or present).astimezone(zone).date()).replace(day=1)
    if unit == "month":
        return _between(list(_months(since, _month(today, -1))), zone, unit)
    return between(since, today, zone, unit)


def between(first: date, last: date, zone: ZoneInfo, unit: str) -> list[Period]:
    """The days from the `first` to the `last`, cut into `unit`s; months at both ends may be parts of one."""
    begin, end = _midnight(first), _midnight(last + timedelta(days=1))
    moment, over = (wall.replace(tzinfo=zone).astimezone(UTC) for wall in (begin, end))
    if moment == over:
        # A day that the zone left out: a time in which nothing happens.
        return [Period(_label(begin, zone, unit), moment, over)]
    if unit == "month":
        return _between([begin, *_months(_month(first, -1), last), end], zone, unit)
    step = timedelta(hours=1) if unit == "hour" else timedelta(days=1)
    return _between(list(_steps(begin, end, step)), zone, unit)


def quarter_of(moment: datetime) -> int:
    """Which quarter-hour since the year 1 it lies in; zones have differed by whole ones since 1972."""
    return (moment - _BEGINNING) // _QUARTER


def start_of_quarter(quarter: int) -> datetime:
    """The beginning of the quarter-hour of this number."""
    return _BEGINNING + quarter * _QUARTER


def month_of(moment: datetime) -> int:
    """Which month since the year 1 this moment, in UTC, lies in."""
    return 12 * moment.year + moment.month - 13


def nearest_month(moment: datetime) -> datetime:
    """The beginning of the month of UTC that is nearest to the one of a time zone."""
    this = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    return this if moment.day <= 15 else (this + timedelta(days=31)).replace(day=1)


def _between(walls: list[datetime], zone: ZoneInfo, unit: str) -> list[Period]:
    return list(_cut(walls, zone, unit))


def _cut(walls: list[datetime], zone: ZoneInfo, unit: str) -> Iterator[Period]:
    for wall, following in pairwise(walls):
        begin, end = (moment.replace(tzinfo=zone).astimezone(UTC) for moment in (wall, following))
        if begin < end:
            yield Period(_label(wall, zone, unit), begin, end)


def _label(wall: datetime, zone: ZoneInfo, unit: str) -> str:
    if unit == "hour":
        return wall.replace(tzinfo=zone).isoformat(timespec="minutes")
    return wall.strftime("%Y-%m-%d" if unit == "day" else "%Y-%m")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)


def _steps(begin: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    while begin <= end:
        yield begin
        begin += step


def _month(day: date, months_before: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months_before, 12)
    return date(year, month + 1, 1)


def _months(since: date, until: date) -> Iterator[datetime]:
    while since <= until:
        yield _midnight(since)
        since = _month(since, -1)
