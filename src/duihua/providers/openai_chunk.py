"""The shape of an OpenAI-compatible chunk, read fast where it is as documented and leniently where not."""

from typing import Any

import msgspec

from duihua.providers.base import Usage
from duihua.providers.text import decode_json

_LARGEST_COUNT = 2**53


class Message(msgspec.Struct):
    """What a chunk adds (`delta`) or a whole answer holds (`message`)."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: Any = None


class Choice(msgspec.Struct):
    """One of the answers; only the first (`index` 0) is ever asked for."""

    index: int | None = 0
    delta: Message | None = None
    message: Message | None = None
    finish_reason: str | None = None


class Counts(msgspec.Struct):
    """`usage` as sent, of whatever type."""

    prompt_tokens: Any = 0
    completion_tokens: Any = 0
    total_tokens: Any = 0

    def usage(self) -> Usage:
        """The same as whole numbers between 0 and 2**53; what is no number counts as 0."""
        prompt, completion = _count(self.prompt_tokens), _count(self.completion_tokens)
        return Usage(prompt, completion, _count(self.total_tokens) or _count(prompt + completion))


class Chunk(msgspec.Struct):
    """One event of the stream, or a whole JSON answer; fields not named here are ignored."""

    choices: list[Choice | None] | None = None
    usage: Counts | None = None
    error: Any = None


_decode = msgspec.json.Decoder(Chunk).decode


def decode_chunk(data: bytes) -> Chunk:
    """Decode one event.

    The fast way refuses lone surrogates, invalid UTF-8, numbers out of range and fields of another type;
    such events are read again, each field by itself.

    Raises:
        ValueError: not a JSON object.
    """
    try:
        return _decode(data)
    except (ValueError, RecursionError):
        pass
    value = decode_json(data)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    choices, counts = value.get("choices"), value.get("usage")
    return Chunk(
        choices=[_choice(each) for each in choices if isinstance(each, dict)]
        if isinstance(choices, list)
        else None,
        usage=Counts(*(counts.get(name, 0) for name in Counts.__struct_fields__))
        if isinstance(counts, dict)
        else None,
        error=value.get("error"),
    )


def _choice(value: dict[str, Any]) -> Choice:
    index = value.get("index")
    return Choice(
        index=index if isinstance(index, int) else 0,
        delta=_message(value.get("delta")),
        message=_message(value.get("message")),
        finish_reason=_text(value.get("finish_reason")),
    )


def _message(value: object) -> Message | None:
    if not isinstance(value, dict):
        return None
    return Message(
        content=_text(value.get("content")),
        reasoning_content=_text(value.get("reasoning_content")),
        reasoning=_text(value.get("reasoning")),
        tool_calls=value.get("tool_calls"),
    )


def _text(value: object) -> str | None:
    """A string, or the text of a list of content parts (Mistral)."""
    if isinstance(value, list):
        return "".join(_text(part.get("text")) or "" for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else None


def _count(value: object) -> int:
    return int(min(value, _LARGEST_COUNT)) if isinstance(value, int | float) and value > 0 else 0
