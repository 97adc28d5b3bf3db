"""Pages and cursors."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from duihua.core.errors import InvalidInput

Row = TypeVar("Row")


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
        return tuple(msgspec.convert(part, wanted) for part, wanted in zip(position, types, strict=True))
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise InvalidInput(field="query.cursor", reason="is not a cursor of this list") from error
