"""Open WebUI, and Qwen, which descends from it: `chat.history.messages` is the tree of a conversation."""

import base64
import html
import re
from typing import Any

from duihua.transfer.formats.told import Said, Told, items, mapping, moment, paragraphs, rest, text
from duihua.vocabulary import Role

# What a reply says besides its text stands before it as HTML, its own text escaped.
_DETAILS = re.compile(r'<details\b[^>]*\btype="(\w+)"[^>]*>(.*?)</details>\s*', re.DOTALL)
_SUMMARY = re.compile(r"\s*<summary>.*?</summary>", re.DOTALL)
_THINK = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)
_DATA_URL = re.compile(r"data:image/(png|jpeg|gif|webp);base64,")
_ROLES = {role.value: role for role in Role}
_SAID = {"id", "parentId", "childrenIds", "role", "content", "timestamp", "model", "done", "output"}
_SAID |= {"reasoning_content", "content_list", "files"}
_TOLD = {"id", "title", "chat", "created_at", "updated_at", "archived", "pinned", "currentId"}
_CHAT = {"id", "title", "history", "messages", "system", "params", "timestamp"}


def recognises(value: dict[str, Any]) -> bool:
    """Whether it, or the chat in it, has a history of messages by their ids."""
    history = mapping(_chat(value).get("history"))
    return isinstance(history.get("messages"), dict)


def told(value: dict[str, Any]) -> Told:
    """The conversation; `currentId` is what was shown last."""
    chat = _chat(value)
    history, params = mapping(chat.get("history")), mapping(chat.get("params"))
    contents: dict[str, bytes] = {}
    tree = mapping(history.get("messages"))
    messages = [_said(name, item, contents) for name, item in tree.items() if isinstance(item, dict)]
    current = history.get("currentId") or history.get("current_id") or value.get("currentId")
    beside = rest(value, _TOLD) | rest(chat, _CHAT) | {"params": rest(params, {"system"})}
    return Told(
        name=text(value.get("id")) or text(chat.get("id")),
        title=text(value.get("title")) or text(chat.get("title")) or "Open WebUI",
        messages=messages,
        at=_moment(value.get("created_at")),
        changed=_moment(value.get("updated_at")),
        leaf=text(current),
        system_prompt=text(params.get("system")) or text(chat.get("system")),
        is_archived=bool(value.get("archived")),
        is_pinned=bool(value.get("pinned")),
        rest=rest(beside, set()),
        contents=contents,
    )


def _chat(value: dict[str, Any]) -> dict[str, Any]:
    """The chat; an old or shared export is one itself."""
    return mapping(value.get("chat")) or mapping(mapping(value.get("data")).get("chat")) or value


def _said(name: str, item: dict[str, Any], contents: dict[str, bytes]) -> Said:
    said, thought, others = _output(item) if item.get("output") else _html(text(item.get("content")))
    listed = (text(mapping(part).get("content")) for part in items(item.get("content_list")))
    return Said(
        name=name,
        parent=text(item.get("parentId")),
        role=_ROLES.get(text(item.get("role")), Role.ASSISTANT),
        text=said or paragraphs(listed),
        reasoning=thought or text(item.get("reasoning_content")),
        at=_moment(item.get("timestamp")),
        model=text(item.get("model")),
        is_whole=item.get("done") is not False and not item.get("error"),
        files=_files(name, item, contents),
        rest=rest(item, _SAID) | ({"output": others} if others else {}),
    )


def _output(item: dict[str, Any]) -> tuple[str, str, list[Any]]:
    """The text, the reasoning, and what is neither, of the structured form."""
    said, thought, others = [], [], []
    for part in map(mapping, items(item.get("output"))):
        texts = [text(mapping(each).get("text")) for each in items(part.get("content"))]
        if part.get("type") == "message":
            said += texts
        elif part.get("type") == "reasoning":
            thought += texts
        else:
            others.append(part)
    return paragraphs(said), paragraphs(thought), others


def _html(content: str) -> tuple[str, str, list[Any]]:
    """The same of a text that has them before it, in `<details>` or `<think>`."""
    thought, others = [], []
    for kind, inner in _DETAILS.findall(content):
        lines = html.unescape(_SUMMARY.sub("", inner)).strip().splitlines()
        told = "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
        if kind == "reasoning":
            thought.append(told)
        else:
            others.append({"type": kind, "content": inner})
    content = _DETAILS.sub("", content)
    if raw := _THINK.match(content):
        thought.append(raw[1].strip())
        content = content[raw.end() :]
    return content, paragraphs(thought), others


def _files(message: str, item: dict[str, Any], contents: dict[str, bytes]) -> list[dict[str, Any]]:
    """The files of a message; a picture may be here whole, as a `data:` URL."""
    found = []
    for number, each in enumerate(map(mapping, items(item.get("files")))):
        address = text(each.get("url"))
        file_id = text(each.get("id")) or f"open_webui:{message}:{number}"
        name = text(each.get("name"))
        if picture := _DATA_URL.match(address):
            try:
                contents[file_id] = base64.b64decode(address[picture.end() :], validate=True)
            except ValueError:
                continue
            name = name or f"{number + 1}.{picture[1]}"
        found.append({"id": file_id, "name": name or address[:100]})
    return found


def _moment(value: Any) -> Any:
    """Seconds, which some have as a text."""
    return moment(float(value)) if isinstance(value, str) and value.isdecimal() else moment(value)
