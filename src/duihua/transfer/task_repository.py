"""Imports that go on without their request, in the database."""

from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, select, true, update

from duihua.core.clock import now
from duihua.core.ids import new_uuid
from duihua.db.clock import FromNow
from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.http.repository import KEPT
from duihua.models import ImportTask
from duihua.models.generation import LEASE
from duihua.vocabulary import ImportState

_RUNNING = ImportTask.state == ImportState.RUNNING


class Ended(NamedTuple):
    """How an import came to its end: its counts, and its whole report or why there is none."""

    state: ImportState
    counts: dict[str, Any]
    report: dict[str, Any] | None = None
    error: str | None = None
    error_values: dict[str, Any] | None = None


class Wanted(NamedTuple):
    """Whether an import is to go on: nobody has told that it ended, and nobody wants it to end."""

    is_running: bool
    is_cancelled: bool


def begin(session: Session, user_id: int, owner: str, total: int) -> str:
    """Write down that an import of so many bytes begins; the name of its task."""
    task = ImportTask(
        uuid=new_uuid(),
        user_id=user_id,
        owner=owner,
        state=ImportState.RUNNING,
        seq=1,
        **dict.fromkeys(("done", "imported", "skipped", "failed"), 0),
        total=total,
        created_at=now(),
    )
    session.add(task)
    return task.uuid


def find(session: Session, user_id: int, task_id: str) -> tuple[ImportTask, bool] | None:
    """The user's import, and whether its process is gone."""
    lost = _RUNNING & (ImportTask.lease_expires_at < FromNow())
    statement = select(ImportTask, lost).where(ImportTask.uuid == task_id, ImportTask.user_id == user_id)
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], bool(row[1]))


def progress(session: Session, task_id: str, counts: dict[str, Any]) -> Wanted:
    """It has come so far, and somebody still works on it; whether it is to go on."""
    _change(session, task_id, counts | {"lease_expires_at": FromNow(LEASE)})
    statement = select(_RUNNING, ImportTask.is_cancelled).where(ImportTask.uuid == task_id)
    row = session.execute(statement).one_or_none()
    return Wanted(False, False) if row is None else Wanted(*row)


def hold(session: Session, task_id: str) -> bool:
    """Whether it is running; if so, nobody can tell that it ended before this transaction has."""
    statement = select(ImportTask).where(ImportTask.uuid == task_id, _RUNNING)
    return session.scalar(locked(statement)) is not None


def cancel(session: Session, task_id: str) -> None:
    """Ask whoever works on it to end it."""
    session.execute(
        update(ImportTask)
        .where(ImportTask.uuid == task_id, _RUNNING)
        .values(is_cancelled=True)
        .execution_options(synchronize_session=False)
    )


def end(session: Session, task_id: str, ended: Ended) -> None:
    """It has come to its end, unless it had before."""
    values = ended.counts | {
        "state": ended.state,
        "report": None if ended.report is None else msgspec.json.encode(ended.report).decode(),
        "error": ended.error,
        "error_values": ended.error_values,
        "finished_at": now(),
    }
    _change(session, task_id, values)


def interrupt_lost(session: Session, here: Collection[str] = (), *, alone: bool) -> None:
    """End those whose process is gone, never one of those `here`; forget those that ended long ago.

    `alone`: no other process can exist, so that the others are all without one.
    """
    lost = true() if alone else ImportTask.lease_expires_at < FromNow()
    session.execute(
        update(ImportTask)
        .where(_RUNNING, lost, ImportTask.uuid.not_in(here))
        .values(
            state=ImportState.INTERRUPTED,
            error="import_interrupted",
            seq=ImportTask.seq + 1,
            finished_at=now(),
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(ImportTask)
        .where(ImportTask.finished_at < now() - KEPT)
        .execution_options(synchronize_session=False)
    )


def _change(session: Session, task_id: str, values: dict[str, Any]) -> None:
    session.execute(
        update(ImportTask)
        .where(ImportTask.uuid == task_id, _RUNNING)
        .values(seq=ImportTask.seq + 1, **values)
        .execution_options(synchronize_session=False)
    )
