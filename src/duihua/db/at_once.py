"""Units of work that are one insertion, which costs a quarter where it is told to the driver itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, Generic, NamedTuple

from sqlalchemy import Insert
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import IntegrityError

from duihua.db.session import P, Session


class Insertion(NamedTuple):
    """So many rows, added all or none; `otherwise` is raised where some are there, or fewer were added.

    The statement runs once for each of `values`, which the driver takes as they are.
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
        statement, values, rows, otherwise = self.insertion(session.get_bind().dialect.name, *args, **kwargs)
        try:
            added = sum(session.connection().execute(statement, each).rowcount for each in values)
        except IntegrityError as error:
            raise otherwise from error
        if added != rows:
            raise otherwise


class Told(NamedTuple):
    """An insertion as the driver takes it."""

    sql: str
    values: Sequence[Sequence[Any]]


class Teller:
    """Puts insertions as a dialect's driver takes them; each statement is compiled once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: dict[Insert, tuple[str, Sequence[str], Mapping[str, Any]]] = {}

    def __call__(self, insertion: Insertion) -> Told:
        """The same insertion, told."""
        known = self._known.get(insertion.statement)
        if known is None:
            compiled = insertion.statement.compile(dialect=self._dialect)
            known = str(compiled), compiled.positiontup or (), compiled.params
            self._known[insertion.statement] = known
        sql, places, constants = known
        filled = ({**constants, **each} for each in insertion.values)
        return Told(sql, [[values[place] for place in places] for values in filled])
