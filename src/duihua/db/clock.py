"""The database's clock: the only one that processes on different machines share."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, literal
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
