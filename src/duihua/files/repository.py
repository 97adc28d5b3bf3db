"""Files in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Update, delete, select, update

from duihua.core.ids import as_row_id
from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.models import File
from duihua.vocabulary import FileStatus

_AT_ONCE = 500


def find(session: Session, user_id: int, reference: str, *, lock: bool = False) -> File | None:
    """The user's file by uuid or id, if it is all there and not deleted."""
    row_id = as_row_id(reference)
    statement = select(File).where(
        File.uuid == reference if row_id is None else File.id == row_id,
        File.user_id == user_id,
        File.status == FileStatus.ACTIVE,
    )
    return session.scalar(locked(statement) if lock else statement)


def by_uuid(session: Session, user_id: int, uuids: Collection[str]) -> dict[str, File]:
    """Those of the user's visible files that have these uuids; without their texts."""
    if not uuids:
        return {}
    statement = select(File).where(
        File.uuid.in_(uuids), File.user_id == user_id, File.status == FileStatus.ACTIVE
    )
    return {row.uuid: row for row in session.scalars(statement)}


def hold(session: Session, user_id: int, uuids: Collection[str]) -> set[str]:
    """Which of these the user's visible files have; locked until the end of the transaction."""
    named, held = sorted(uuids), set[str]()
    for at in range(0, len(named), _AT_ONCE):
        chosen = File.uuid.in_(named[at : at + _AT_ONCE])
        mine = select(File.uuid).where(chosen, File.user_id == user_id, File.status == FileStatus.ACTIVE)
        held.update(session.scalars(mine.order_by(File.uuid).with_for_update()))
    return held


def any_of(session: Session, uuid: str) -> File | None:
    """The file of this uuid, whoever's it is and whatever became of it."""
    return session.scalar(select(File).where(File.uuid == uuid))


def text_of(session: Session, file_id: int) -> str | None:
    """What is readable of a document; None for a picture."""
    return session.scalar(select(File.plain_text).where(File.id == file_id))


def complete(session: Session, uuid: str) -> None:
    """An incoming file is all there."""
    session.execute(
        update(File)
        .where(File.uuid == uuid, File.status == FileStatus.INCOMING)
        .values(status=FileStatus.ACTIVE)
        .execution_options(synchronize_session=False)
    )


def incoming_before(session: Session, moment: datetime) -> Sequence[str]:
    """The uuids of files whose upload began before `moment` and has not ended."""
    return session.scalars(
        select(File.uuid).where(File.status == FileStatus.INCOMING, File.created_at < moment)
    ).all()


def mark_incoming(session: Session, uuid: str) -> int | None:
    """An incoming file is purged; its row, None where it is not incoming."""
    marked = _marked(File.uuid == uuid, File.status == FileStatus.INCOMING)
    return session.scalar(marked.returning(File.id))


def mark_purged(session: Session, user_id: int, uuids: Collection[str]) -> None:
    """These files of the user's are purged, deleted or not."""
    named = sorted(uuids)
    for at in range(0, len(named), _AT_ONCE):
        chosen = File.uuid.in_(named[at : at + _AT_ONCE])
        session.execute(_marked(chosen, File.user_id == user_id, File.status != FileStatus.INCOMING))


def mark_deleted_before(session: Session, moment: datetime) -> None:
    """Whatever was deleted before `moment` is purged."""
    session.execute(_marked(File.status == FileStatus.DELETED, File.deleted_at < moment))


def _marked(*which: ColumnElement[bool]) -> Update:
    return (
        update(File)
        .where(*which)
        .values(status=FileStatus.PURGED, plain_text=None)
        .execution_options(synchronize_session=False)
    )


def purged(session: Session, after: int) -> Sequence[tuple[int, str]]:
    """(id, uuid) of some purged files beyond this id, in its order."""
    rows = session.execute(
        select(File.id, File.uuid)
        .where(File.status == FileStatus.PURGED, File.id > after)
        .order_by(File.id)
        .limit(_AT_ONCE)
    )
    return [(row.id, row.uuid) for row in rows]


def forget_purged(session: Session, row_id: int) -> None:
    """Remove what has no content any more."""
    session.execute(
        delete(File)
        .where(File.id == row_id, File.status == FileStatus.PURGED)
        .execution_options(synchronize_session=False)
    )
