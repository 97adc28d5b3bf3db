"""Settings in the database."""

from sqlalchemy import bindparam, select

from duihua.core.clock import now
from duihua.db.session import Session
from duihua.models import User, UserSettings

# Built once: the first token waits for it.
_DEFAULT_MODEL = select(UserSettings.default_model_id).where(UserSettings.user_id == bindparam("user"))


def find(session: Session, user_id: int) -> UserSettings | None:
    """What the user has decided; None where that is nothing yet."""
    return session.get(UserSettings, user_id)


def default_model(session: Session, user_id: int) -> str | None:
    """The model of those conversations that name none; None where the user has not decided."""
    return session.connection().scalar(_DEFAULT_MODEL, {"user": user_id})


def find_or_add(session: Session, user_id: int) -> UserSettings:
    """The user's row, made where it is missing; other writers are kept off it."""
    # There may be no row to lock yet: the user's own stands for it.
    session.get_one(User, user_id, with_for_update=True)
    row = session.get(UserSettings, user_id, populate_existing=True)
    if row is None:
        row = UserSettings(user_id=user_id, updated_at=now())
        session.add(row)
        session.flush()
    return row
