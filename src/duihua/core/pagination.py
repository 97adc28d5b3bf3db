"""Pages and cursors."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec

from duihua.core.errors import InvalidInput

Row = TypeVar("Row")
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class PageWanted(Protocol):
    """Which page: `page_num` from 1 with `page_size` items, or as many from `cursor` on."""

    page_num: int
    page_size: int
    cursor: str | None


def page(
    items: Sequence[Any],
    query: PageWanted,
    *,
    total: int,
    next_cursor: str | None,
    array: str = "list",
) -> dict[str, Any]:
    """The `data` of the answer to `query`; `array` is what the wire calls the items."""
    return {
        array: items,
        "total": total,
        "pageNum": query.page_num,
        "pageSize": query.page_size,
        "next_cursor": next_cursor,
    }


def page_of(
    found: tuple[Sequence[Row], int, str | None],
    present: Callable[[Row], Any],
    query: PageWanted,
    *,
    array: str = "list",
) -> dict[str, Any]:
    """The same of the rows that a repository found, with their total and the next cursor."""
    rows, total, next_cursor = found
    items = [present(row) for row in rows]
    return page(items, query, total=total, next_cursor=next_cursor, array=array)


def encode_cursor(kind: str, *position: Any) -> str:
    """A cursor: where a list of this `kind` (its order) goes on. Opaque to clients; it grants nothing."""
    return base64.urlsafe_b64encode(msgspec.json.encode([kind, *position])).decode().rstrip("=")


def decode_cursor(cursor: str, kind: str, *types: Any) -> tuple[Any, ...]:
    """The position in a cursor, checked against the `types` of its parts.

    Raises:
        InvalidInput: it is not one of ours, or of a list in another order.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, *position = msgspec.json.decode(raw, type=list[Any])
        if found != kind or len(position) != len(types):
            raise ValueError(kind)
        parts = tuple(msgspec.convert(part, wanted) for part, wanted in zip(position, types, strict=True))
        if not all(map(_is_storable, parts)):
            raise ValueError(kind)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(field="query.cursor", reason="is not a cursor of this list") from error
    return parts


def _is_storable(part: Any) -> bool:
    """Whether a database can be asked for it. Lone surrogates are refused by the decoder."""
    if isinstance(part, datetime):
        return part.tzinfo is not None and _EARLIEST <= part < _LATEST
    return "\0" not in part if isinstance(part, str) else -(2**63) <= part < 2**63
