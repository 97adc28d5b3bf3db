"""The one place that asks what time it is."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC, with its offset. For people and records; never for order or time-outs."""
    return datetime.now(UTC)


def day_of(moment: datetime) -> int:
    """Which day since the year 1 this moment lies in, in UTC."""
    return moment.astimezone(UTC).toordinal()


def start_of_day(day: int) -> datetime:
    """The beginning of the day of this number, in UTC."""
    return datetime.fromordinal(day).replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """The wire's form of a moment: ISO 8601 in UTC with microseconds and offset."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
