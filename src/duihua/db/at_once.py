"""Units of work that are one insertion, which costs a quarter without a session."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, Generic, NamedTuple

from sqlalchemy import Connection, Insert
from sqlalchemy.exc import IntegrityError

from duihua.db.session import P, Session
from duihua.db.telling import tell


class Insertion(NamedTuple):
    """So many rows, added all or none; `otherwise` is raised where some are there, or fewer were added.

    The statement runs once for each of `values`.
    """

    statement: Insert
    values: Sequence[Mapping[str, Any]]
    rows: int
    otherwise: type[Exception]


class AtOnce(Generic[P]):
    """A unit of work that is one insertion: `insertion("sqlite" or "postgresql", …)`."""

    def __init__(self, insertion: Callable[Concatenate[str, P], Insertion]) -> None:
        self.insertion = insertion

    def __call__(self, session: Session, *args: P.args, **kwargs: P.kwargs) -> None:
        """The unit as any other, or as a part of one."""
        connection = session.connection()
        add(connection, self.insertion(connection.dialect.name, *args, **kwargs))


def add(connection: Connection, insertion: Insertion) -> None:
    """Insert. Raises `insertion.otherwise`; what was added then is to be undone."""
    try:
        added = tell(connection, insertion.statement, insertion.values)
    except IntegrityError as error:
        raise insertion.otherwise from error
    if added != insertion.rows:
        raise insertion.otherwise
