"""LibreChat: a conversation is an object, its messages flat or nested in `children`."""

from datetime import datetime
from typing import Any

from duihua.transfer.formats.told import Said, Told, items, mapping, moment, paragraphs, rest, text
from duihua.vocabulary import Role

_SAID = {"messageId", "parentMessageId", "conversationId", "isCreatedByUser", "createdAt", "updatedAt"}
_SAID |= {"children", "text", "content", "model", "tokenCount", "finish_reason", "_id", "__v", "user"}
_TOLD = {"conversationId", "title", "messages", "messagesTree"}


def recognises(value: dict[str, Any]) -> bool:
    """Whether it has a `conversationId` and a list of messages."""
    tree = value.get("messages", value.get("messagesTree"))
    return "conversationId" in value and isinstance(tree, list)


def told(value: dict[str, Any]) -> Told:
    """The conversation; its system prompt is `options.promptPrefix`."""
    options = mapping(value.get("options"))
    messages = _flat(value.get("messagesTree") or value.get("messages"))
    return Told(
        name=text(value.get("conversationId")),
        title=text(value.get("title")) or "LibreChat",
        messages=[_said(item) for item in messages],
        system_prompt=text(options.get("promptPrefix")),
        model=text(options.get("model")),
        rest=rest(value, _TOLD),
    )


def _flat(tree: Any) -> list[dict[str, Any]]:
    """Every message, those of `children` below the one that holds them."""
    found = []
    waiting: list[tuple[Any, Any]] = [(item, None) for item in reversed(items(tree))]
    while waiting:
        item, above = waiting.pop()
        if not isinstance(item, dict):
            continue
        found.append(item if above is None else item | {"parentMessageId": above})
        waiting += [(child, item.get("messageId")) for child in reversed(items(item.get("children")))]
    return found


def _said(item: dict[str, Any]) -> Said:
    said, thought, others = _parts(item)
    beside = rest(item, _SAID)
    if others:
        beside["content"] = others
    return Said(
        name=text(item.get("messageId")),
        parent=text(item.get("parentMessageId")),
        role=Role.USER if item.get("isCreatedByUser") else Role.ASSISTANT,
        text=said,
        reasoning=thought,
        at=_moment(item.get("createdAt")),
        changed=_moment(item.get("updatedAt")),
        model=text(item.get("model")),
        tokens=item.get("tokenCount"),
        is_whole=not (item.get("unfinished") or item.get("error")),
        finish_reason=text(item.get("finish_reason")),
        rest=beside,
    )


def _parts(item: dict[str, Any]) -> tuple[str, str, list[Any]]:
    """The text, the reasoning, and whatever parts are neither."""
    said, thought, others = [], [], []
    for part in items(item.get("content")):
        kind = mapping(part).get("type")
        if kind == "text" and isinstance(part.get("text"), str):
            said.append(part["text"])
        elif kind == "think" and isinstance(part.get("think"), str):
            thought.append(part["think"])
        else:
            others.append(part)
    return paragraphs(said) or text(item.get("text")), paragraphs(thought), others


def _moment(value: Any) -> datetime | None:
    """A date; "12:00", which some have, is none."""
    return moment(value) if isinstance(value, str) and "T" in value else None
