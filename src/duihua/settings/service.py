"""What can be done with settings: units of work for `Database.read` and `Database.write`."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from duihua.db.session import Session
from duihua.settings import repository


def default_model(session: Session, user_id: int) -> str | None:
    """The model of those conversations that name none; None where the user has not decided."""
    return repository.default_model(session, user_id)


def time_zone(session: Session, user_id: int) -> ZoneInfo:
    """Where the user's days begin; UTC where that was not said, or is no zone that this machine knows."""
    decided = repository.find(session, user_id)
    try:
        return ZoneInfo(decided.timezone if decided else "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
