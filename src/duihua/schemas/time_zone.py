"""Time zones on the wire."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StrictStr


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone such as Asia/Shanghai")
    return name


TimeZone = Annotated[
    StrictStr,
    Field(max_length=64, examples=["Asia/Shanghai"], description="IANA name of the time zone"),
    AfterValidator(_known_zone),
]
