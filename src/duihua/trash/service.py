"""What can be done with what is deleted: units of work for `Database.read` and `Database.write`."""

from collections.abc import Sequence
from typing import Any

from duihua import changes
from duihua.changes import Act
from duihua.core.clock import iso
from duihua.core.errors import Conflict
from duihua.core.pagination import page_of
from duihua.db.session import Session
from duihua.files import service as files
from duihua.groups import service as groups
from duihua.models import Conversation
from duihua.schemas import outgoing
from duihua.schemas.base import PageQuery
from duihua.trash import repository


class TrashInUse(Conflict):
    """A run of one of these conversations has not ended yet; nothing was removed."""

    code = "trash_in_use"


def listing(session: Session, user_id: int, query: PageQuery) -> dict[str, Any]:
    """One page of deleted conversations. Raises InvalidInput for a forged cursor."""
    return page_of(repository.page(session, user_id, query), _present, query)


def restore(session: Session, user_id: int, references: Sequence[str]) -> dict[str, Any]:
    """Show these again, as they were when they were deleted; the report."""
    found = repository.find(session, user_id, references)
    ids = [row.id for row in found]
    # A group that is gone has no place in any list: what comes back must be seen.
    repository.restore(session, found, default_group_id=groups.default_group(session, user_id).id)
    changes.of_conversations(session, Act.RESTORED, user_id, ids)
    return {"restored": len(found), "missing": _missing(references, found)}


def purge(session: Session, user_id: int, references: Sequence[str] | None) -> dict[str, Any]:
    """Remove these for good, all of the trash for None; the report.

    Raises:
        TrashInUse.
    """
    found = repository.find(session, user_id, references)
    ids = [row.id for row in found]
    if repository.any_running(session, ids):
        raise TrashInUse(retry_after=1)
    changes.of_conversations(session, Act.PURGED, user_id, ids)
    unused = repository.files_of(session, ids)
    repository.purge(session, ids)
    if unused:
        # What remains of the user's messages may show the same files: an import that holds them goes first.
        files.hold(session, user_id, unused)
        unused -= repository.files_of_user(session, user_id)
        files.purge(session, user_id, unused)
    return {"purged": len(found), "missing": _missing(references or [], found)}


def _missing(references: Sequence[str], found: Sequence[Conversation]) -> list[str]:
    names = {name for row in found for name in (row.uuid, str(row.id))}
    return [reference for reference in dict.fromkeys(references) if reference not in names]


def _present(row: Conversation) -> dict[str, Any]:
    return outgoing.conversation(row) | {"deleted_at": iso(row.deleted_at or row.updated_at)}
