"""Settings in the database."""

from sqlalchemy import bindparam, select

from duihua.db.session import Session
from duihua.models import UserSettings

# Built once: the first token waits for it.
_DEFAULT_MODEL = select(UserSettings.default_model_id).where(UserSettings.user_id == bindparam("user"))


def find(session: Session, user_id: int) -> UserSettings | None:
    """What the user has decided; None where that is nothing yet."""
    return session.get(UserSettings, user_id)


def default_model(session: Session, user_id: int) -> str | None:
    """The model of those conversations that name none; None where the user has not decided."""
    return session.scalar(_DEFAULT_MODEL, {"user": user_id})
