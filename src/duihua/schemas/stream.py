"""The events of a generation: one vocabulary for the journal, the wire and the client."""

from collections.abc import Iterable, Mapping

import msgspec
from pydantic import BaseModel, Field

from duihua.vocabulary import MessageState

_encode = msgspec.json.encode


def user_message(message_id: str, content: str) -> bytes:
    """The question, as it was stored."""
    return _encode({"type": "user_message", "message_id": message_id, "content": content})


def assistant_start(message_id: str, task_id: str, model_id: str) -> bytes:
    """The reply exists and is being written."""
    return _encode(
        {"type": "assistant_start", "message_id": message_id, "task_id": task_id, "model_id": model_id}
    )


def complete(
    message_id: str, content: str, usage: Mapping[str, int] | None, finish_reason: str | None
) -> bytes:
    """The reply came to its own end; `content` is the whole text."""
    return _encode(
        {
            "type": "complete",
            "message_id": message_id,
            "content": content,
            "usage": usage,
            "finish_reason": finish_reason,
        }
    )


def cancelled(message_id: str, content: str, message: str) -> bytes:
    """Somebody stopped it; `content` is what there was."""
    return _encode({"type": "cancelled", "message_id": message_id, "content": content, "message": message})


def error(message_id: str, content: str, message: str, code: str) -> bytes:
    """It failed or was interrupted; `content` is what there was."""
    return _encode(
        {
            "type": "error",
            "message_id": message_id,
            "content": content,
            "message": message,
            "error": code,
        }
    )


def title(text: str) -> bytes:
    """The conversation had no title of a person's, and has this one from now on."""
    return _encode({"type": "title", "title": text})


def pieces(message_id: str, content: str, reasoning: str) -> list[bytes]:
    """The two of a reply that is told at once, as far as there is something to tell."""
    both = (("reasoning", reasoning), ("chunk", content))
    return [piece(kind, message_id, text) for kind, text in both if text]


def piece(kind: str, message_id: str, content: str) -> bytes:
    """A `chunk` of the text, or of the `reasoning`."""
    # Built by hand: this is the one event that a reply has thousands of. Neither value needs escaping.
    return b'{"type":"%b","message_id":"%b","content":%b}' % (
        kind.encode(),
        message_id.encode(),
        _encode(content),
    )


def frame(seq: int, payload: bytes) -> bytes:
    """The bytes of event `seq` (WHATWG HTML §9.2): JSON holds no line end, so one `data:` line."""
    return b"id: %d\ndata: %b\n\n" % (seq, payload)


class _Content(msgspec.Struct):
    type: str
    content: str = ""


def fold(payloads: Iterable[str]) -> tuple[str, str]:
    """The text and the reasoning that a journal holds: what its chunks say one after the other."""
    decoder = msgspec.json.Decoder(_Content)
    found = [decoder.decode(payload) for payload in payloads]
    return (
        "".join(event.content for event in found if event.type == "chunk"),
        "".join(event.content for event in found if event.type == "reasoning"),
    )


class CancelResponse(BaseModel):
    """How a stopped generation ended; `streaming` where that takes a moment yet."""

    task_id: str
    message_id: str
    state: MessageState


class TerminateResponse(BaseModel):
    """How many generations were stopped."""

    cancelled_count: int = Field(ge=0)
