"""LibreChat: one conversation a file, its messages flat or nested in `children`."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

import msgspec

from duihua.core.clock import now
from duihua.transfer.archive import FORMAT, VERSION, Archive
from duihua.transfer.found import MOST_BYTES, BrokenArchive, Found, archive_or_problem
from duihua.vocabulary import MessageState, Role

_BOM = b"\xef\xbb\xbf"
# Inside of a text the quotes would be escaped.
_THEIRS = re.compile(rb'\s*\{(?=.*"conversationId"\s*:)(?=.*"messages(Tree)?"\s*:\s*\[)', re.DOTALL)
_LONGEST_NAME, _LONGEST_TITLE, _LONGEST_REASON, _MOST_TOKENS = 64, 255, 50, 2**31 - 1
_SAID = {
    "messageId",
    "parentMessageId",
    "conversationId",
    "isCreatedByUser",
    "createdAt",
    "updatedAt",
    "children",
}
_SAID |= {"text", "content", "model", "tokenCount", "finish_reason", "_id", "__v", "user"}
_TOLD = {"conversationId", "title", "messages", "messagesTree"}


def detect(head: bytes) -> bool:
    """Whether it is an object with a `conversationId` and a list of messages."""
    return _THEIRS.match(head.removeprefix(_BOM)) is not None


def archives(file: BinaryIO) -> Iterator[Found]:
    """The one conversation of the file."""
    content = file.read(MOST_BYTES + 1)
    yield Found("", _archive(content), len(content))


def _archive(content: bytes) -> Archive | BrokenArchive:
    if len(content) > MOST_BYTES:
        return BrokenArchive(reason=f"larger than {MOST_BYTES} bytes")
    try:
        value = msgspec.json.decode(content.removeprefix(_BOM))
        translated = msgspec.json.encode(_translated(value))
    except RecursionError:
        return BrokenArchive(reason="its messages are nested too deep; export it again without nesting")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return BrokenArchive(reason=f"not JSON: {error}")
    return archive_or_problem(translated)


def _translated(value: dict[str, Any]) -> dict[str, Any]:
    """The conversation as an archive of ours, not checked."""
    source = _text(value.get("conversationId"))
    items = _flat(value.get("messagesTree") or value.get("messages") or [])
    messages = _messages(items)
    rest = {key: item for key, item in value.items() if key not in _TOLD and item}
    if messages and rest:
        theirs = (messages[0]["message_metadata"] or {}).get("librechat", {})
        messages[0]["message_metadata"] = {"librechat": theirs | {"conversation": rest}}
    options = value.get("options")
    options = options if isinstance(options, dict) else {}
    prompt = _text(options.get("promptPrefix"))
    moments = [message["created_at"] for message in messages] or [now()]
    return {
        "format": FORMAT,
        "version": VERSION,
        "conversation": {
            "uuid": _name(f"librechat:{source}" if source else _fingerprint(items)),
            "title": _text(value.get("title"))[:_LONGEST_TITLE] or "LibreChat",
            "model_id": _text(options.get("model"))[:255] or None,
            "config": {"system_prompt": prompt} if prompt else {},
            "created_at": min(moments),
            "updated_at": max(moments),
        },
        "messages": messages,
    }


def _flat(tree: Any) -> list[dict[str, Any]]:
    """Every message, those of `children` below the one that holds them."""
    found = []
    waiting: list[tuple[Any, Any]] = (
        [(item, None) for item in reversed(tree)] if isinstance(tree, list) else []
    )
    while waiting:
        item, above = waiting.pop()
        if not isinstance(item, dict):
            continue
        found.append(item if above is None else item | {"parentMessageId": above})
        children = item.get("children")
        if isinstance(children, list):
            waiting += [(child, item.get("messageId")) for child in reversed(children)]
    return found


def _messages(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_name: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(items):
        name = _name(_text(item.get("messageId"))) or f"message {number}"
        by_name[name if name not in by_name else f"message {number}"] = item
    parents = {name: _name(_text(item.get("parentMessageId"))) for name, item in by_name.items()}
    _cut(parents)
    known = [moment for item in items if (moment := _moment(item.get("createdAt")))]
    latest = min(known, default=now())
    messages = []
    for name, item in by_name.items():
        latest = _moment(item.get("createdAt")) or latest
        messages.append(_message(item, latest) | {"uuid": name, "parent": parents[name] or None})
    return messages


def _cut(parents: dict[str, str]) -> None:
    """Make roots of those that answer one that is not there, and of one in every circle."""
    done: set[str] = set()
    for start in parents:
        path: set[str] = set()
        node = start
        while node not in done:
            path.add(node)
            above = parents[node]
            if above not in parents or above in path:
                parents[node] = ""
                break
            node = above
        done |= path


def _message(item: dict[str, Any], moment: datetime) -> dict[str, Any]:
    text, reasoning, others = _parts(item)
    rest = {key: value for key, value in item.items() if key not in _SAID and value}
    if others:
        rest["content"] = others
    tokens = item.get("tokenCount")
    is_whole = not (item.get("unfinished") or item.get("error"))
    return {
        "role": Role.USER if item.get("isCreatedByUser") else Role.ASSISTANT,
        "content": text,
        "reasoning": reasoning or None,
        "created_at": moment,
        "updated_at": _moment(item.get("updatedAt")) or moment,
        "message_metadata": {"librechat": rest} if rest else None,
        "model_id": _text(item.get("model"))[:255] or None,
        "token_count": tokens if type(tokens) is int and 0 <= tokens <= _MOST_TOKENS else 0,
        "character_count": len(text),
        "state": MessageState.COMPLETE if is_whole else MessageState.INTERRUPTED,
        "finish_reason": _text(item.get("finish_reason"))[:_LONGEST_REASON] or None,
    }


def _parts(item: dict[str, Any]) -> tuple[str, str, list[Any]]:
    """The text, the reasoning, and whatever parts are neither."""
    said, thought, others = [], [], []
    parts = item.get("content")
    for part in parts if isinstance(parts, list) else []:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            said.append(part["text"])
        elif kind == "think" and isinstance(part.get("think"), str):
            thought.append(part["think"])
        else:
            others.append(part)
    return "\n\n".join(said) or _text(item.get("text")), "\n\n".join(thought), others


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo and 1900 <= moment.year <= 9998 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(name: str) -> str:
    """`name`, or what always stands for one that is too long."""
    return name if len(name) <= _LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()


def _fingerprint(items: list[dict[str, Any]]) -> str:
    return hashlib.sha256(msgspec.json.encode(items)).hexdigest()
