"""Units of work that PostgreSQL is told past a session, as one statement."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple

from sqlalchemy import Insert

from duihua.db.session import P, Session, Work


class Insertion(NamedTuple):
    """So many rows, added all or none; `otherwise` is raised where some are there, or fewer were added."""

    statement: Insert
    values: Mapping[str, Any]
    rows: int
    otherwise: type[Exception]


class AtOnce(Generic[P]):
    """A unit of work that is one insertion on PostgreSQL, which there costs a third without a session."""

    def __init__(self, work: Work[P, None], insertion: Callable[P, Insertion]) -> None:
        self._work, self.insertion = work, insertion

    def __call__(self, session: Session, *args: P.args, **kwargs: P.kwargs) -> None:
        """The unit as any other."""
        self._work(session, *args, **kwargs)
