"""What can be done with settings: units of work for `Database.read` and `Database.write`."""

from duihua.db.session import Session
from duihua.settings import repository


def default_model(session: Session, user_id: int) -> str | None:
    """The model of those conversations that name none; None where the user has not decided."""
    return repository.default_model(session, user_id)
