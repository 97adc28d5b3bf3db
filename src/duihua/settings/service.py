"""What can be done with settings: units of work for `Database.read` and `Database.write`."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from duihua.core.clock import now
from duihua.db.session import Session
from duihua.models import UserSettings
from duihua.schemas.settings import SettingsUpdate
from duihua.settings import repository

# What holds until the user decides, and what an explicit null goes back to.
DEFAULTS: dict[str, Any] = {
    "preferences": {},
    "default_config": {},
    "auto_save": True,
    "theme": "system",
    "language": "auto",
    "default_model_id": None,
    "timezone": "UTC",
}


def all_of(session: Session, user_id: int) -> dict[str, Any]:
    """A `SettingsResponse`."""
    return _present(repository.find(session, user_id))


def change(session: Session, user_id: int, wanted: SettingsUpdate) -> dict[str, Any]:
    """Change the named fields; an explicit null goes back to the default."""
    row = repository.find_or_add(session, user_id)
    for field, value in wanted.model_dump(exclude_unset=True).items():
        setattr(row, field, DEFAULTS[field] if value is None else value)
    row.updated_at = now()
    session.flush()
    return _present(row)


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


def default_config(session: Session, user_id: int) -> dict[str, Any]:
    """The generation settings that a new conversation begins with."""
    row = repository.find(session, user_id)
    return _object(row.default_config) if row else {}


def _present(row: UserSettings | None) -> dict[str, Any]:
    if row is None:
        return DEFAULTS
    shown = {field: getattr(row, field) for field in DEFAULTS}
    objects = {field: _object(shown[field]) for field in ("preferences", "default_config")}
    # What an older deployment left there may be no word of today's.
    theme = row.theme if row.theme in {"light", "dark", "system"} else DEFAULTS["theme"]
    language = row.language if row.language in {"zh", "en", "auto"} else DEFAULTS["language"]
    return shown | objects | {"theme": theme, "language": language}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
