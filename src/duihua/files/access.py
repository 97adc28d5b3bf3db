"""The one way to a file: through its owner."""

from duihua.core.errors import NotFound
from duihua.db.session import Session
from duihua.files import repository
from duihua.models import File


class FileNotFound(NotFound):
    """No such file of this user."""

    code = "file_not_found"


def owned(session: Session, user_id: int, reference: str, *, lock: bool = False) -> File:
    """The user's file by uuid or id; `lock` where it is about to change. Raises FileNotFound."""
    file = repository.find(session, user_id, reference, lock=lock)
    if file is None:
        raise FileNotFound
    return file
