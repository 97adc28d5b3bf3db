"""ChatGPT: a conversation is a `mapping` of nodes, a reply is several of them.

What its page hides (thinking, calls of tools and what these gave back, instructions) is no message here: the
thinking becomes the `reasoning` of the answer that follows, and every hidden node is kept whole, as `steps`
beside the message above it.
"""

import re
from collections.abc import Iterator
from typing import Any

from duihua.transfer.formats.told import Said, Told, items, mapping, moment, paragraphs, rest, text
from duihua.vocabulary import Role

# Between these stands which source is cited, for the page alone: "citeturn0search1".
_CITED = re.compile("\ue200[^\ue200\ue201]*\ue201")
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.ASSISTANT, "system": Role.SYSTEM}
_HIDDEN = {"thoughts", "reasoning_recap", "user_editable_context", "model_editable_context", "tether_quote"}
_HIDDEN |= {"tether_browsing_display", "sonic_webpage", "execution_output", "super_widget"}
_SAID = {"id", "author", "create_time", "update_time", "content", "status", "end_turn", "weight", "recipient"}
_TOLD = {"id", "conversation_id", "title", "create_time", "update_time", "mapping", "current_node"}
_TOLD |= {"is_archived", "is_starred", "pinned_time"}


def recognises(value: dict[str, Any]) -> bool:
    """Whether a message of its `mapping` has an author."""
    nodes = mapping(value.get("mapping")).values()
    return any("author" in mapping(mapping(node).get("message")) for node in nodes)


def told(value: dict[str, Any]) -> Told:
    """The conversation; what was shown last is `current_node`, or the newest message."""
    nodes = {name: mapping(node) for name, node in mapping(value.get("mapping")).items()}
    shown: dict[str, Said] = {}
    # Of a node: the nearest message at or above it that is shown, and what was thought since.
    above: dict[str, str] = {}
    thought: dict[str, list[str]] = {}
    hidden: list[tuple[str, dict[str, Any]]] = []
    for name in _parents_first(nodes):
        parent, message = text(nodes[name].get("parent")), mapping(nodes[name].get("message"))
        above[name], thought[name] = above.get(parent, ""), thought.get(parent, [])
        if _is_shown(message):
            is_answer = mapping(message.get("author")).get("role") != "user"
            reasoning = paragraphs(thought[name]) if is_answer else ""
            shown[name] = _said(name, above[name], message, reasoning)
            above[name], thought[name] = name, []
        elif message:
            hidden.append((above[name], message))
            thought[name] = [*thought[name], *_thoughts(message)]
    messages = list(shown.values())
    for name, message in hidden if messages else ():
        shown.get(name, messages[0]).rest.setdefault("steps", []).append(message)
    return Told(
        name=text(value.get("conversation_id")) or text(value.get("id")),
        title=text(value.get("title")) or "ChatGPT",
        messages=messages,
        at=moment(value.get("create_time")),
        changed=moment(value.get("update_time")),
        leaf=above.get(text(value.get("current_node")), ""),
        is_archived=bool(value.get("is_archived")),
        is_pinned=bool(value.get("is_starred") or value.get("pinned_time")),
        rest=rest(value, _TOLD),
    )


def _parents_first(nodes: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Every node once; one in a circle comes before its parent."""
    done: set[str] = set()
    for start in nodes:
        path: dict[str, None] = {}
        name = start
        while name in nodes and name not in done and name not in path:
            path[name] = None
            name = text(nodes[name].get("parent"))
        done |= path.keys()
        yield from reversed(path)


def _is_shown(message: dict[str, Any]) -> bool:
    content, metadata = mapping(message.get("content")), mapping(message.get("metadata"))
    role = mapping(message.get("author")).get("role")
    if metadata.get("is_visually_hidden_from_conversation") or text(content.get("content_type")) in _HIDDEN:
        return False
    if role == "system" or message.get("recipient", "all") not in ("all", None):
        return False
    files = _pictures(content)
    return bool(files) if role == "tool" else bool(_text(content) or files or metadata.get("attachments"))


def _said(name: str, parent: str, message: dict[str, Any], reasoning: str) -> Said:
    content, metadata = mapping(message.get("content")), mapping(message.get("metadata"))
    said = _text(content)
    plain = _CITED.sub("", said)
    beside = rest(message, _SAID)
    if plain != said or content.get("content_type") not in ("text", "code"):
        # As it was, with the marks that metadata.citations and others count in.
        beside["content"] = content
    return Said(
        name=name,
        parent=parent,
        role=_ROLES.get(text(mapping(message.get("author")).get("role")), Role.ASSISTANT),
        text=plain,
        reasoning=reasoning,
        at=moment(message.get("create_time")),
        changed=moment(message.get("update_time")),
        model=text(metadata.get("model_slug")),
        is_whole=message.get("status") in ("finished_successfully", None),
        files=_files(content, metadata),
        rest=beside,
    )


def _text(content: dict[str, Any]) -> str:
    if content.get("content_type") == "code":
        code = text(content.get("text"))
        language = text(content.get("language")).replace("unknown", "")
        return f"```{language}\n{code}\n```" if code else ""
    parts = items(content.get("parts"))
    found = [part if isinstance(part, str) else text(mapping(part).get("text")) for part in parts]
    return paragraphs(found) or text(content.get("text"))


def _thoughts(message: dict[str, Any]) -> list[str]:
    """What was thought, as paragraphs, each below what it is about."""
    content = mapping(message.get("content"))
    thoughts = [mapping(each) for each in items(content.get("thoughts"))]
    return [paragraphs([text(each.get("summary")), text(each.get("content"))]) for each in thoughts]


def _files(content: dict[str, Any], metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """What is attached or shown, each once: `id` is the first part of its name in the zip."""
    attached = [mapping(each) for each in items(metadata.get("attachments"))]
    found = {
        text(each.get("id")): {"name": text(each.get("name")), "type": text(each.get("mime_type"))}
        for each in attached
    }
    for pointer in _pictures(content):
        found.setdefault(pointer, {"name": pointer, "type": "image"})
    return [{"id": name} | facts for name, facts in found.items() if name]


def _pictures(content: dict[str, Any]) -> list[str]:
    """The ids behind `file-service://` and `sediment://`."""
    pointers = [text(mapping(part).get("asset_pointer")) for part in items(content.get("parts"))]
    return [pointer.partition("://")[2] for pointer in pointers if "://" in pointer]
