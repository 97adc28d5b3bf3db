"""What can be done with files: units of work for `Database.read` and `Database.write`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from duihua.core.clock import now
from duihua.db.rows import insert_now
from duihua.db.session import Session
from duihua.files import access, repository
from duihua.files.inspection import Facts
from duihua.http.repository import RetryKey, once
from duihua.models import File
from duihua.schemas import outgoing
from duihua.vocabulary import FileStatus


class Received(NamedTuple):
    """A file that lies whole on this machine's disk."""

    uuid: str
    name: str
    size: int
    sha256: str
    facts: Facts


class Content(NamedTuple):
    """What is needed to send a file."""

    key: str
    name: str
    content_type: str
    size: int


def one(session: Session, user_id: int, reference: str) -> dict[str, Any]:
    """One file's facts. Raises FileNotFound."""
    return outgoing.file(access.owned(session, user_id, reference))


def content_of(session: Session, user_id: int, reference: str) -> Content:
    """Where a file's content is, and how it is named. Raises FileNotFound."""
    file = access.owned(session, user_id, reference)
    return Content(file.uuid, file.name, file.content_type, file.size)


def contents_of(session: Session, user_id: int, uuids: Collection[str]) -> list[Content]:
    """Where the contents of these are, so far as they are the user's and there."""
    rows = repository.by_uuid(session, user_id, uuids)
    return [
        Content(row.uuid, row.name, row.content_type, row.size) for uuid in uuids if (row := rows.get(uuid))
    ]


def delete(session: Session, user_id: int, reference: str) -> None:
    """Hide a file: nobody is given it any more, models neither. Raises FileNotFound."""
    file = access.owned(session, user_id, reference, lock=True)
    file.status, file.deleted_at = FileStatus.DELETED, now()


def promise(session: Session, user_id: int, received: Received) -> None:
    """Write down that a content is about to be stored, so that it can be found if that goes wrong."""
    facts = received.facts
    row = File(
        uuid=received.uuid,
        user_id=user_id,
        name=received.name,
        size=received.size,
        sha256=received.sha256,
        content_type=facts.content_type,
        plain_text=facts.text,
        character_count=None if facts.text is None else len(facts.text),
        is_cut=facts.is_cut,
        status=FileStatus.INCOMING,
        created_at=now(),
    )
    insert_now(session, row)


def adopt(session: Session, user_id: int, received: Received) -> tuple[str, dict[str, Any] | None]:
    """As `promise`, under its uuid or, where another file has that, one derived from it; which it is.

    Where the user has this very file already, nothing is promised: its facts are the second.
    """
    uuid = received.uuid
    while (row := repository.any_of(session, uuid)) is not None:
        if (row.user_id, row.status, row.sha256) == (user_id, FileStatus.ACTIVE, received.sha256):
            return uuid, outgoing.file(row)
        uuid = str(uuid5(UUID(uuid), str(user_id)))
    promise(session, user_id, received._replace(uuid=uuid))
    return uuid, None


def complete(
    session: Session, user_id: int, uuid: str, retry: RetryKey | None
) -> tuple[dict[str, Any], bool]:
    """The content is stored: show the file. Its facts, or those of an earlier upload under this key and True.

    Raises:
        IdempotencyKeyReused: nothing was changed. FileNotFound: it was withdrawn.
    """

    def work() -> dict[str, Any]:
        repository.complete(session, uuid)
        return one(session, user_id, uuid)

    return once(session, user_id, retry, work, dict[str, Any])


def unfinished(session: Session, before: datetime) -> Sequence[str]:
    """Keys of contents that were promised before then and never completed."""
    return repository.incoming_before(session, before)


def withdraw(session: Session, uuid: str) -> int | None:
    """Mark what was promised, so that nothing can complete it any more; its row, or None: it is complete."""
    return repository.mark_incoming(session, uuid)


def hold(session: Session, user_id: int, uuids: Collection[str]) -> set[str]:
    """Those of these files that the user has; until the end of the transaction nobody purges them."""
    return repository.hold(session, user_id, uuids)


def purge(session: Session, user_id: int, uuids: Collection[str]) -> None:
    """Mark these files of the user's: their contents are to be removed after the commit."""
    repository.mark_purged(session, user_id, uuids)


def purge_deleted(session: Session, before: datetime) -> None:
    """Mark what was deleted before then."""
    repository.mark_deleted_before(session, before)


def purged(session: Session, after: int) -> Sequence[tuple[int, str]]:
    """Some of those marked, as rows beyond `after` and the keys of their contents."""
    return repository.purged(session, after)


def forget(session: Session, row_id: int) -> None:
    """The content of a marked file is removed: so is its row."""
    repository.forget_purged(session, row_id)
