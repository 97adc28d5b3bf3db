"""Conversations as a person reads them: Markdown and plain text."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from duihua.core.i18n import Language, messages_of, translate
from duihua.transfer.archive import ArchivedConversation, ArchivedMessage
from duihua.vocabulary import MessageState

# CommonMark 0.31 §4.5: a fence opens with three or more, and closes with at least as many of the same.
_FENCE = re.compile(r"^ {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$")

messages_of(
    {
        "role_user": ("用户", "User"),
        "role_assistant": ("助手", "Assistant"),
        "role_system": ("系统", "System"),
        "role_tool": ("工具", "Tool"),
        "export_reasoning": ("思考过程", "Reasoning"),
        "export_version": ("版本 {index}/{count}", "Version {index} of {count}"),
        "export_state": ("（回复未完整：{state}）", "(The reply is not complete: {state})"),
        "state_cancelled": ("已停止", "stopped"),
        "state_interrupted": ("已中断", "interrupted"),
        "state_failed": ("失败", "failed"),
    }
)


# Which of how many versions a message is, where there are several.
Version = tuple[int, int] | None


def unseen(_: Any) -> str | None:
    """Files are named, not shown."""
    return None


class Reader(NamedTuple):
    """Whom the text is for; `picture` is where a page has the picture of a file, None where it names it."""

    language: Language
    zone: tzinfo
    picture: Callable[[Any], str | None] = unseen


def markdown_head(conversation: ArchivedConversation, reader: Reader) -> str:
    """The title, and when the conversation was held."""
    title = one_line(conversation.title)
    about = f"> {span(conversation, reader)}"
    described = f"\n\n{conversation.description}" if conversation.description else ""
    return f"# {title}\n\n{about}{described}\n"


def markdown(message: ArchivedMessage, reader: Reader, version: Version = None) -> str:
    """A message under a heading that says who spoke and when."""
    parts = [f"\n---\n\n### {' · '.join(speaker(message, reader, version))}"]
    if message.reasoning:
        summary = translate("export_reasoning", reader.language)
        thought = _closed(message.reasoning)
        parts.append(f"<details><summary>{summary}</summary>\n\n{thought}\n\n</details>")
    parts += [_closed(message.content), *(f"📎 {name}" for name in file_names(message.files))]
    parts += [f"*{note}*" for note in notes(message, reader)]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain_head(conversation: ArchivedConversation, reader: Reader) -> str:
    """The title, and when the conversation was held."""
    return f"{one_line(conversation.title)}\n{span(conversation, reader)}\n" + (
        f"{conversation.description}\n" if conversation.description else ""
    )


def plain(message: ArchivedMessage, reader: Reader, version: Version = None) -> str:
    """A message below a line that says who spoke and when."""
    who, *rest = speaker(message, reader, version)
    lines = [f"\n[{who}] {' · '.join(rest)}", message.content]
    lines += [f"📎 {name}" for name in file_names(message.files)]
    return "\n".join(line for line in [*lines, *notes(message, reader)] if line) + "\n"


def span(conversation: ArchivedConversation, reader: Reader) -> str:
    """When the conversation was held."""
    return f"{_moment(conversation.created_at, reader)} – {_moment(conversation.updated_at, reader)}"


def speaker(message: ArchivedMessage, reader: Reader, version: Version = None) -> list[str]:
    """Who spoke, with which model, and when; and which of several versions it is."""
    who = translate(f"role_{message.role}", reader.language)
    model = [message.model_id] if message.model_id else []
    place = {"index": version[0], "count": version[1]} if version else {}
    which = [translate("export_version", reader.language, **place)] if version else []
    return [who, *model, _moment(message.created_at, reader), *which]


def notes(message: ArchivedMessage, reader: Reader) -> list[str]:
    """What must be known of a reply that is not whole."""
    if message.state in {MessageState.COMPLETE, MessageState.STREAMING}:
        return []
    state = translate(f"state_{message.state}", reader.language)
    return [translate("export_state", reader.language, state=state)]


def file_names(files: Iterable[Any]) -> list[str]:
    """What the files of a message are called."""
    return [str(file["name"]) for file in files if isinstance(file, dict) and file.get("name")]


def _moment(moment: datetime, reader: Reader) -> str:
    return moment.astimezone(reader.zone).strftime("%Y-%m-%d %H:%M")


def one_line(text: str) -> str:
    """`text` without line ends."""
    return " ".join(text.split())


def _closed(text: str) -> str:
    """`text` with its last code fence closed, so that what follows is not code."""
    open_fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if not found:
            continue
        if not open_fence:
            open_fence = found[1]
        elif found[1].startswith(open_fence) and not found[2].strip():
            open_fence = ""
    return f"{text}\n{open_fence}" if open_fence else text
