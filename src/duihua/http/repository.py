"""Idempotency keys in the database."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from duihua.core.clock import now
from duihua.core.errors import Conflict
from duihua.db.session import Session
from duihua.models import IdempotencyKey

T = TypeVar("T")
KEPT = timedelta(hours=48)


class IdempotencyKeyReused(Conflict):
    """The key stands for another request."""

    code = "idempotency_key_reused"


class RetryKey(NamedTuple):
    """A client's key, and the SHA-256 of the request that it was sent with."""

    key: str
    fingerprint: str


def once(
    session: Session, user_id: int, retry: RetryKey | None, work: Callable[[], T], answer_type: type[T]
) -> tuple[T, bool]:
    """Do `work` unless its key has been used; its answer, and whether it is an earlier one.

    The key is written in the transaction of the effect, so no crash can separate the two. `answer_type`
    is what msgspec reads the kept answer as.

    Raises:
        IdempotencyKeyReused: the key was used for another request.
    """
    if retry is None:
        return work(), False
    row = IdempotencyKey(
        user_id=user_id,
        key=retry.key,
        fingerprint=retry.fingerprint,
        answer="",
        created_at=now(),
    )
    try:
        # The claim comes first: on PostgreSQL a second request with this key waits here for the first.
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return _earlier(session, user_id, retry, answer_type), True
    result = work()
    row.answer = msgspec.json.encode(result).decode()
    return result, False


def earlier(session: Session, user_id: int, retry: RetryKey | None, answer_type: type[T]) -> T | None:
    """The answer that this request has had; None where it is the first. Raises IdempotencyKeyReused."""
    if retry is None or session.get(IdempotencyKey, (user_id, retry.key)) is None:
        return None
    return _earlier(session, user_id, retry, answer_type)


def _earlier(session: Session, user_id: int, retry: RetryKey, answer_type: type[T]) -> T:
    row = session.get_one(IdempotencyKey, (user_id, retry.key))
    if row.fingerprint != retry.fingerprint:
        raise IdempotencyKeyReused
    return msgspec.json.decode(row.answer, type=answer_type)


def forget_old_keys(session: Session) -> int:
    """Delete keys that no retry will come for any more; how many."""
    statement = delete(IdempotencyKey).where(IdempotencyKey.created_at < now() - KEPT)
    return session.connection().execute(statement).rowcount
