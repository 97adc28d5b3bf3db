"""How Server-Sent Events are documented: an event at a time."""

from collections.abc import Sequence
from typing import Any


def events(page: str, types: Sequence[str] | None = None) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with events; `page` tells of their `types`."""
    kind: dict[str, Any] = {"type": "string"} | ({} if types is None else {"enum": list(types)})
    payload = {"type": "object", "properties": {"type": kind}, "required": ["type"]}
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": payload},
        },
        "required": ["id", "data"],
    }
    description = f"Server-Sent Events ({page})"
    return {200: {"description": description, "content": {"text/event-stream": {"schema": schema}}}}
