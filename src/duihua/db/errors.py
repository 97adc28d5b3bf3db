"""What a database can refuse, as errors of ours."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from duihua.core.errors import AppError, Unavailable

# PostgreSQL: serialization_failure, deadlock_detected; unique_violation, where another transaction has taken
# what this one had found free. Nothing was changed: the same work may run again, and sees what is there.
_RETRYABLE_SQLSTATES = {"40001", "40P01", "23505"}
_FULL_SQLSTATE = "53100"
# Classes and codes: connection, rolled back, resources, operator (starting, stopping), system error; takes no
# connections; waited too long for a lock; only reads (a standby); slept with a transaction open.
_UNAVAILABLE_SQLSTATES = ("08", "40", "53", "57", "58", "55000", "55P03", "25006", "25P03")


class StorageUnavailable(Unavailable):
    """The database does not answer, or not in time; nothing was changed, but for `StorageInDoubt`."""

    code = "storage_unavailable"


class StorageInDoubt(StorageUnavailable):
    """What the database was told to commit is there whole, or not at all: its word was lost."""

    code = "storage_in_doubt"


class StorageFull(AppError):
    """There is no room to write; reading goes on."""

    code = "storage_full"
    status = 507


def storage_error(error: Exception) -> AppError | None:
    """Our name for a driver's failure to serve; None where it is not one (a broken constraint, a bug)."""
    if _is_full(error):
        return StorageFull(retry_after=30)
    if isinstance(error, PoolTimeoutError | OSError) or _is_refused(error):
        return StorageUnavailable(retry_after=2)
    if not isinstance(error, DBAPIError):
        return None
    lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    if lost or _is_refused(error.orig):
        return StorageUnavailable(retry_after=2)
    return None


def _is_refused(error: BaseException | None) -> bool:
    return str(getattr(error, "sqlstate", None)).startswith(_UNAVAILABLE_SQLSTATES)


def _is_full(error: BaseException | None) -> bool:
    # SQLite drops the savepoints of a transaction that did not fit: that they are missing when they are
    # undone is then the last error, and the full disk the first.
    while error is not None:
        if getattr(error, "sqlstate", None) == _FULL_SQLSTATE:
            return True
        if isinstance(error, sqlite3.OperationalError) and "disk is full" in str(error):
            return True
        error = error.__context__
    return False


def is_retryable(error: Exception) -> bool:
    """Whether PostgreSQL undid the transaction only because of another one."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _RETRYABLE_SQLSTATES
