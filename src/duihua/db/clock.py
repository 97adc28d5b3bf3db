"""The database's clock: the only one that processes on different machines share."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, SQLColumnExpression, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from duihua.db.types import UtcDateTime


class FromNow(FunctionElement[datetime]):
    """The moment so long from now, by the clock of the database."""

    name = "from_now"
    inherit_cache = True
    type = UtcDateTime()

    def __init__(self, distance: timedelta = timedelta()) -> None:
        super().__init__(literal(distance.total_seconds(), Float()))


@compiles(FromNow, "postgresql")
def _postgresql(element: FromNow, compiler: Any, **kwargs: Any) -> str:
    return f"(now() + make_interval(secs => {compiler.process(element.clauses, **kwargs)}))"


@compiles(FromNow, "sqlite")
def _sqlite(element: FromNow, compiler: Any, **kwargs: Any) -> str:
    # As UtcDateTime stores it, in six digits of which the clock knows three.
    seconds = compiler.process(element.clauses, **kwargs)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {seconds} || ' seconds') || '000')"


class Seconds(FunctionElement[float]):
    """How long it was from one moment to another; NULL where either is."""

    name = "seconds_between"
    inherit_cache = True
    type = Float()

    def __init__(self, begin: SQLColumnExpression[Any], end: SQLColumnExpression[Any]) -> None:
        super().__init__(begin, end)


@compiles(Seconds, "postgresql")
def _seconds_postgresql(element: Seconds, compiler: Any, **kwargs: Any) -> str:
    begin, end = (compiler.process(moment, **kwargs) for moment in element.clauses)
    return f"CAST(extract(epoch FROM {end} - {begin}) AS double precision)"


@compiles(Seconds, "sqlite")
def _seconds_sqlite(element: Seconds, compiler: Any, **kwargs: Any) -> str:
    begin, end = (compiler.process(moment, **kwargs) for moment in element.clauses)
    return f"((julianday({end}) - julianday({begin})) * 86400.0)"
