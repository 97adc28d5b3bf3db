"""The one way to a group: through its owner."""

from duihua.core.errors import NotFound
from duihua.db.session import Session
from duihua.groups import repository
from duihua.models import ChatGroup


class GroupNotFound(NotFound):
    """No such group of this user."""

    code = "group_not_found"


def owned(session: Session, user_id: int, group_id: int, *, lock: bool = False) -> ChatGroup:
    """The user's group; `lock` where what it holds is about to change. Raises GroupNotFound."""
    group = repository.find(session, user_id, group_id, lock=lock)
    if group is None:
        raise GroupNotFound
    return group
