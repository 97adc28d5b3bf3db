"""The one way to a connection: through its owner."""

from collections.abc import Sequence

from duihua.connections import repository
from duihua.core.errors import NotFound
from duihua.db.session import Session
from duihua.models import Connection


class ConnectionNotFound(NotFound):
    """No such model connection of this user."""

    code = "connection_not_found"


def every(session: Session, user_id: int) -> Sequence[Connection]:
    """All of the user's connections, the oldest first."""
    return repository.every(session, user_id)


def owned(session: Session, user_id: int, connection_id: int, *, lock: bool = False) -> Connection:
    """The user's connection; `lock` where it is about to change. Raises ConnectionNotFound."""
    row = repository.find(session, user_id, connection_id, lock=lock)
    if row is None:
        raise ConnectionNotFound
    return row
