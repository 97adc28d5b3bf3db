"""A conversation as another program tells it, and the same as an archive of ours.

What is common to all readers of others' formats: whatever has no place here is kept beside, in the metadata
of a message; trees are mended where they lead nowhere; what is too long for its field is cut or hashed.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import msgspec

from duihua.core.clock import now
from duihua.transfer.archive import FORMAT, VERSION, Archive
from duihua.transfer.found import BrokenArchive, archive_or_problem
from duihua.vocabulary import MessageState, Role

_LONGEST_NAME, _LONGEST_TITLE, _LONGEST_MODEL, _LONGEST_REASON = 64, 255, 255, 50
_MOST_TOKENS = 2**31 - 1


@dataclass
class Said:
    """One message: `parent` names another, or none that is there; `rest` has no place here."""

    name: str
    parent: str
    role: Role
    text: str
    reasoning: str = ""
    at: datetime | None = None
    changed: datetime | None = None
    model: str = ""
    tokens: Any = 0
    is_whole: bool = True
    finish_reason: str = ""
    files: list[dict[str, Any]] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)


@dataclass
class Told:
    """One conversation; `leaf` names the last message that was shown, "" where nothing says so."""

    name: str
    title: str
    messages: list[Said]
    at: datetime | None = None
    changed: datetime | None = None
    leaf: str = ""
    system_prompt: str = ""
    model: str = ""
    is_archived: bool = False
    is_pinned: bool = False
    rest: dict[str, Any] = field(default_factory=dict)
    # The contents of files by the ids that messages have for them.
    contents: dict[str, bytes] = field(default_factory=dict)


def archive_of(told: Told, source: str) -> Archive | BrokenArchive:
    """The conversation, checked as one of ours is."""
    try:
        return archive_or_problem(msgspec.json.encode(_archive(told, source)))
    except RecursionError:
        return too_deep()
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        return BrokenArchive(reason=f"not JSON: {error}")


def too_deep() -> BrokenArchive:
    """The refusal of what cannot be read, or not be written as an archive, for its nesting."""
    return BrokenArchive(reason="its messages are nested too deep; export it again without nesting")


def _archive(told: Told, source: str) -> dict[str, Any]:
    by_name = _named(told.messages)
    parents = _parents(by_name)
    messages = [
        _message(said, source) | {"uuid": name, "parent": parents[name] or None}
        for name, said in by_name.items()
    ]
    _order(messages)
    if messages and told.rest:
        theirs = (messages[0]["message_metadata"] or {}).get(source, {})
        messages[0]["message_metadata"] = {source: theirs | {"conversation": told.rest}}
    moments = [message["created_at"] for message in messages] or [now()]
    leaf = short(told.leaf)
    return {
        "format": FORMAT,
        "version": VERSION,
        "conversation": {
            "uuid": short(f"{source}:{told.name}" if told.name else _fingerprint(told)),
            "title": told.title[:_LONGEST_TITLE],
            "model_id": told.model[:_LONGEST_MODEL] or None,
            "config": {"system_prompt": told.system_prompt} if told.system_prompt else {},
            "active_leaf": leaf if leaf in by_name else None,
            "pinned": told.is_pinned,
            "archived": told.is_archived,
            "created_at": told.at or min(moments),
            "updated_at": told.changed or max(moments),
        },
        "messages": messages,
        "files": {name: {"content": content} for name, content in told.contents.items()},
    }


def _named(messages: list[Said]) -> dict[str, Said]:
    """Each by its name; by its number, where that is missing or another's."""
    by_name: dict[str, Said] = {}
    for number, said in enumerate(messages):
        name = short(said.name) or f"message {number}"
        by_name[name if name not in by_name else f"message {number}"] = said
    return by_name


def _parents(by_name: dict[str, Said]) -> dict[str, str]:
    """Whom each answers: nobody, if that one is not there, and for one in every circle."""
    parents = {name: short(said.parent) for name, said in by_name.items()}
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
    return parents


def _order(messages: list[dict[str, Any]]) -> None:
    """By time. What has none has that of the message before it; the first ones, that of the earliest."""
    latest = min((moment for each in messages if (moment := each["created_at"])), default=now())
    for message in messages:
        latest = message["created_at"] = message["created_at"] or latest
        message["updated_at"] = message["updated_at"] or latest
    messages.sort(key=itemgetter("created_at"))


def _message(said: Said, source: str) -> dict[str, Any]:
    tokens = said.tokens
    return {
        "role": said.role,
        "content": said.text,
        "reasoning": said.reasoning or None,
        "created_at": said.at,
        "updated_at": said.changed,
        "message_metadata": {source: said.rest} if said.rest else None,
        "files": said.files,
        "model_id": said.model[:_LONGEST_MODEL] or None,
        "token_count": tokens if type(tokens) is int and 0 <= tokens <= _MOST_TOKENS else 0,
        "character_count": len(said.text),
        "state": MessageState.COMPLETE if said.is_whole else MessageState.INTERRUPTED,
        "finish_reason": said.finish_reason[:_LONGEST_REASON] or None,
    }


def _fingerprint(told: Told) -> str:
    said = [[each.name, each.parent, each.role, each.text, each.reasoning, each.at] for each in told.messages]
    return hashlib.sha256(msgspec.json.encode([told.title, said])).hexdigest()


def short(name: str) -> str:
    """`name`, or what always stands for one that is too long."""
    return name if len(name) <= _LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()


def text(value: Any) -> str:
    """The value, if it is a text."""
    return value if isinstance(value, str) else ""


def mapping(value: Any) -> dict[str, Any]:
    """The value, if it is an object."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value, if it is a list."""
    return value if isinstance(value, list) else []


def rest(value: dict[str, Any], said: set[str]) -> dict[str, Any]:
    """What of it is not said elsewhere, without what is empty."""
    return {key: item for key, item in value.items() if key not in said and item not in (None, "", [], {})}


def paragraphs(parts: Iterable[str]) -> str:
    """Those that are not empty, as paragraphs."""
    return "\n\n".join(part for part in parts if part.strip())


def moment(value: Any) -> datetime | None:
    """ISO 8601, UTC where it names no zone, or seconds since 1970; None for anything else."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return found if 1900 <= found.year <= 9998 else None
