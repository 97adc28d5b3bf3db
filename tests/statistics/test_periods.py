"""Time ranges in zones whose days are odd."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from duihua.statistics.periods import Period, between, periods, units

HOUR = timedelta(hours=1)


def cut(time_range: str, zone: str, present: str, first: str | None = None) -> list[Period]:
    since = None if first is None else datetime.fromisoformat(first).replace(tzinfo=UTC)
    moment = datetime.fromisoformat(present).replace(tzinfo=UTC)
    found = periods(time_range, ZoneInfo(zone), moment, since)
    assert all(one.end == following.begin for one, following in pairwise(found))
    assert found[0].begin < found[-1].end
    assert time_range == "all" or found[0].begin <= moment < found[-1].end
    return found


def test_a_day_is_that_of_the_zone() -> None:
    found = cut("day", "Asia/Kathmandu", "2026-01-31 18:20")
    # Kathmandu is 5:45 ahead: there it is five past midnight.
    assert len(found) == 24
    assert found[0] == Period(
        "2026-02-01T00:00+05:45",
        datetime(2026, 1, 31, 18, 15, tzinfo=UTC),
        datetime(2026, 1, 31, 19, 15, tzinfo=UTC),
    )
    assert cut("day", "Asia/Kathmandu", "2026-01-31 18:10")[0].label == "2026-01-31T00:00+05:45"


@pytest.mark.parametrize(
    ("zone", "present", "hours", "longest", "shortest"),
    [
        ("Europe/Berlin", "2026-03-29 12:00", 23, HOUR, HOUR),
        ("Europe/Berlin", "2026-10-25 12:00", 24, 2 * HOUR, HOUR),
        # Half an hour is put forward, and back.
        ("Australia/Lord_Howe", "2026-10-04 02:00", 24, HOUR, HOUR / 2),
        ("Australia/Lord_Howe", "2026-04-05 02:00", 24, 1.5 * HOUR, HOUR),
        # Midnight itself is left out, or comes twice.
        ("America/Sao_Paulo", "2018-11-04 12:00", 23, HOUR, HOUR),
        ("America/Havana", "2026-11-01 12:00", 24, 2 * HOUR, HOUR),
    ],
)
def test_hours_when_the_clock_is_changed(
    zone: str, present: str, hours: int, longest: timedelta, shortest: timedelta
) -> None:
    found = cut("day", zone, present)
    lengths = [period.end - period.begin for period in found]
    assert (len(found), max(lengths), min(lengths)) == (hours, longest, shortest)
    assert len({period.label for period in found}) == hours


def test_days_when_the_clock_is_changed() -> None:
    found = cut("week", "Europe/Berlin", "2026-03-30 12:00")
    assert [period.label for period in found] == [
        *("2026-03-24", "2026-03-25", "2026-03-26", "2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30")
    ]
    assert [(period.end - period.begin) / HOUR for period in found] == [24, 24, 24, 24, 24, 23, 24]


def test_a_day_that_a_zone_left_out_is_not_there() -> None:
    labels = [period.label for period in cut("week", "Pacific/Apia", "2012-01-02 00:00")]
    assert "2011-12-29" in labels
    assert "2011-12-30" not in labels
    assert len(labels) == 6


def test_a_month_is_thirty_days_and_a_year_twelve_months() -> None:
    month = cut("month", "Asia/Shanghai", "2026-03-01 00:00")
    assert (len(month), month[0].label, month[-1].label) == (30, "2026-01-31", "2026-03-01")
    year = cut("year", "Asia/Shanghai", "2026-01-31 16:00")
    assert (len(year), year[0].label, year[-1].label) == (12, "2025-03", "2026-02")
    assert year[-1].begin == datetime(2026, 1, 31, 16, tzinfo=UTC)


def test_everything_begins_with_the_first_month() -> None:
    found = cut("all", "Asia/Kolkata", "2026-02-10 00:00", "2024-12-31 18:31")
    assert (len(found), found[0].label, found[-1].label) == (14, "2025-01", "2026-02")
    assert [period.label for period in cut("all", "UTC", "2026-02-10 00:00")] == ["2026-02"]
    # A clock that runs ahead.
    assert len(cut("all", "UTC", "2026-02-10 00:00", "2027-01-01 00:00")) == 1


@pytest.mark.parametrize(
    ("first", "last", "unit", "labels"),
    [
        ("2026-03-29", "2026-03-29", "hour", 23),
        ("2026-03-28", "2026-03-30", "day", 3),
        ("2026-01-31", "2026-03-01", "month", 3),
        ("2026-02-01", "2026-02-28", "month", 1),
        ("2026-02-10", "2026-02-20", "month", 1),
        ("1972-01-01", "2026-12-31", "month", 660),
    ],
)
def test_days_that_are_named(first: str, last: str, unit: str, labels: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    days = date.fromisoformat(first), date.fromisoformat(last)
    found = between(*days, zone, unit)
    assert all(one.end == following.begin for one, following in pairwise(found))
    assert found[0].begin == datetime.combine(days[0], datetime.min.time(), zone)
    assert found[-1].end == datetime.combine(days[1] + timedelta(days=1), datetime.min.time(), zone)
    assert len({period.label for period in found}) == len(found) == labels


def test_a_day_that_a_zone_left_out_is_empty() -> None:
    # Samoa went from the 29th to the 31st.
    gone = date(2011, 12, 30)
    (period,) = between(gone, gone, ZoneInfo("Pacific/Apia"), "hour")
    assert period.begin == period.end
    assert len(between(date(2011, 12, 29), date(2011, 12, 31), ZoneInfo("Pacific/Apia"), "day")) == 2


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (1, ("hour", "day", "month")),
        (2, ("day", "hour", "month")),
        (92, ("day", "month")),
        (366, ("month", "day")),
        (367, ("month",)),
    ],
)
def test_what_days_may_be_cut_into(days: int, expected: tuple[str, ...]) -> None:
    first = date(2026, 1, 1)
    assert units("all", (first, first + timedelta(days=days - 1))) == expected
