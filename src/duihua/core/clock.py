"""The one place that asks what time it is."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC, with its offset. For people and records; never for order or time-outs."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """The wire's form of a moment: ISO 8601 in UTC with microseconds and offset."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
