"""Reading bodies: within a limit, and JSON strictly, so that nothing odd gets further."""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from duihua.core.errors import InvalidInput, TooLarge

MAX_DEPTH = 100
# While a body is parsed nobody else has a turn: these take some 20 ms, four megabytes of `[],` a second.
MAX_PARTS = 50_000
_PART = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?|[,\[{]', re.DOTALL)
_INT64 = range(-(2**63), 2**63)
# A client that is still sending would see a reset and not the answer: so much more of it is read.
_DISCARDED_BYTES = 64 * 2**20
_DISCARDED_SECONDS = 10.0


class StrictRequest(Request):
    """A request whose `json()` takes RFC 8259 JSON in UTF-8, and only what every database can keep."""

    async def body(self) -> bytes:
        """The whole body. Raises what `within` raises, with the configured limit."""
        if not hasattr(self, "_body"):
            limit = self.app.state.config.max_body_bytes
            self._body = b"".join([piece async for piece in within(self, limit)])
        return self._body

    async def json(self) -> Any:
        """The parsed body.

        Raises:
            json.JSONDecodeError: malformed, not UTF-8, duplicate keys, NaN or infinities, integers beyond
                64 bits, NUL or lone surrogates in text, nested deeper than `MAX_DEPTH`, or of more than
                `MAX_PARTS` texts, lists, objects and commas.
        """
        if not hasattr(self, "_json"):
            body = await self.body()
            if has_more_parts(body, MAX_PARTS):
                _refuse("it holds too many values")
            self._json = parse(body)
        return self._json


async def within(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body of `request` in pieces as they come, as far as it has no more than `limit` bytes.

    Raises:
        TooLarge: at once where its length is declared, else as soon as it is too long.
        InvalidInput: the client went away in the middle.
    """
    declared = request.headers.get("content-length", "")
    pieces = request.stream()
    try:
        if declared.isascii() and declared.isdigit() and int(declared) > limit:
            # Who waits for "100 Continue" has sent nothing yet, and need not.
            await _refuse_longer(pieces, limit, is_sending="expect" not in request.headers)
        seen = 0
        async for piece in pieces:
            seen += len(piece)
            if seen > limit:
                await _refuse_longer(pieces, limit)
            yield piece
    except ClientDisconnect as error:
        raise InvalidInput(field="body", reason="was cut off") from error


async def _refuse_longer(pieces: AsyncIterator[bytes], limit: int, *, is_sending: bool = True) -> NoReturn:
    seen = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARDED_SECONDS):
            while is_sending and seen < _DISCARDED_BYTES:
                piece = await anext(pieces, None)
                is_sending = piece is not None
                seen += len(piece or b"")
    raise TooLarge(limit=limit)


def has_more_parts(text: bytes, most: int) -> bool:
    """Whether a JSON text has more than so many texts, lists, objects and commas: each takes 100 bytes."""
    # Counting is the fastest; only where that may have counted what is inside of texts, these are read over.
    if sum(map(text.count, (b'"', b",", b"[", b"{"))) <= most:
        return False
    return any(number > most for number, _ in enumerate(_PART.finditer(text), 1))


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
