"""What holds for every generation, whatever it says and however it ends."""

from collections.abc import Sequence
from typing import Any

from tests.fixtures.client import Client, Event, text_of

TERMINAL = {"complete", "cancelled", "error"}
STATE_OF = {"complete": {"complete"}, "cancelled": {"cancelled"}, "error": {"failed", "interrupted"}}


def lawful(events: Sequence[Event]) -> dict[str, Any]:
    """Fails unless these are all the events of one generation that has ended; the last one's data."""
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    kinds = [event.data["type"] for event in events]
    assert kinds[:2] == ["user_message", "assistant_start"]
    said = events[2:-2] if kinds[-2] == "title" else events[2:-1]
    assert {event.data["type"] for event in said} <= {"chunk", "reasoning"}
    last = events[-1].data
    assert last["type"] in TERMINAL
    assert text_of(list(events)) == last["content"]
    assert len({event.data["message_id"] for event in [events[1], *said, events[-1]]}) == 1
    assert all(event.data["content"] for event in said), "an event that adds nothing"
    return last


async def stored(client: Client, chat_id: str, events: Sequence[Event]) -> dict[str, Any]:
    """The stored reply, which must be what its events said."""
    last = lawful(events)
    messages = {message["uuid"]: message for message in await client.messages(chat_id)}
    question, reply = messages[events[0].data["message_id"]], messages[last["message_id"]]
    assert question["content"] == events[0].data["content"]
    assert reply["parent_id"] == question["uuid"]
    assert reply["content"] == last["content"]
    assert reply["character_count"] == len(last["content"])
    assert reply["state"] in STATE_OF[last["type"]]
    assert (reply["reasoning"] or "") == "".join(
        event.data["content"] for event in events if event.data["type"] == "reasoning"
    )
    assert reply["error"] == last.get("error")
    assert reply["task_id"] is None
    return reply
