"""Settings in the database."""

from duihua.db.session import Session
from duihua.models import UserSettings


def find(session: Session, user_id: int) -> UserSettings | None:
    """What the user has decided; None where that is nothing yet."""
    return session.get(UserSettings, user_id)
