"""Reading JSON bodies strictly: what is not clean JSON is refused here, so that nothing odd gets further."""

import json
import math
from typing import Any, NoReturn

from starlette.requests import Request

MAX_DEPTH = 100
_INT64 = range(-(2**63), 2**63)


class StrictRequest(Request):
    """A request whose `json()` takes RFC 8259 JSON in UTF-8, and only what every database can keep."""

    async def json(self) -> Any:
        """The parsed body.

        Raises:
            json.JSONDecodeError: malformed, not UTF-8, duplicate keys, NaN or infinities, integers beyond
                64 bits, NUL or lone surrogates in text, nested deeper than `MAX_DEPTH`.
        """
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json


def parse(body: bytes) -> Any:
    """`body` as `StrictRequest.json` reads it."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("the body is not UTF-8", "", error.start) from error
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        _refuse(f"nested deeper than {MAX_DEPTH}")
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # An integer of thousands of digits (CPython's limit), and our own hooks.
        _refuse(str(error).partition(":")[0])
    _inspect(value, depth=0)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        _refuse("a key is given twice")
    return value


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not JSON")


def _inspect(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        _refuse(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        for key, item in value.items():
            _inspect_text(key)
            _inspect(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _inspect(item, depth=depth + 1)
    elif isinstance(value, str):
        _inspect_text(value)
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, int) and value not in _INT64
    ):
        _refuse("a number does not fit 64 bits")


def _inspect_text(text: str) -> None:
    if "\0" in text:
        _refuse("text must not contain NUL")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        _refuse("text must not contain lone surrogates")


def _refuse(reason: str) -> NoReturn:
    raise json.JSONDecodeError(reason, "", 0)
