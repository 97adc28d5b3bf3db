"""DeepSeek: a conversation is a `mapping` of nodes, a message of fragments; nothing says who speaks."""

from typing import Any

from duihua.transfer.formats.told import Said, Told, items, mapping, moment, paragraphs, rest, text
from duihua.vocabulary import Role

_SAID = {"fragments", "content", "reasoning_content", "model", "inserted_at", "files"}
_TOLD = {"id", "title", "inserted_at", "updated_at", "mapping"}


def recognises(value: dict[str, Any]) -> bool:
    """Whether the messages of its `mapping` have fragments, or a time and no author."""
    messages = [mapping(mapping(node).get("message")) for node in mapping(value.get("mapping")).values()]
    return any("fragments" in m or ("inserted_at" in m and "author" not in m) for m in messages)


def told(value: dict[str, Any]) -> Told:
    """The conversation; nothing says which branch was shown: that of the newest message."""
    nodes = {name: mapping(node) for name, node in mapping(value.get("mapping")).items()}
    users: dict[str, bool] = {}
    messages = [
        _said(name, node, mapping(node["message"]), _is_user(nodes, name, users))
        for name, node in nodes.items()
        if node.get("message")
    ]
    return Told(
        name=text(value.get("id")),
        title=text(value.get("title")) or "DeepSeek",
        messages=messages,
        at=moment(value.get("inserted_at")),
        changed=moment(value.get("updated_at")),
        rest=rest(value, _TOLD),
    )


def _is_user(nodes: dict[str, dict[str, Any]], name: str, known: dict[str, bool]) -> bool:
    """Whether a person says it: its fragments tell; in older exports they take turns from the root."""
    path: list[str] = []
    while name in nodes and name not in known and nodes[name].get("message") and name not in path:
        path.append(name)
        name = text(nodes[name].get("parent"))
    says = known.get(name, False)
    for each in reversed(path):
        kinds = [mapping(part).get("type") for part in _fragments(nodes[each])]
        says = known[each] = "REQUEST" in kinds if kinds else not says
    return says


def _fragments(node: dict[str, Any]) -> list[Any]:
    return items(mapping(node.get("message")).get("fragments"))


def _said(name: str, node: dict[str, Any], message: dict[str, Any], is_user: bool) -> Said:
    fragments = [mapping(part) for part in _fragments(node)]
    said = [text(part.get("content")) for part in fragments if part.get("type") in ("REQUEST", "RESPONSE")]
    thought = [text(part.get("content")) for part in fragments if part.get("type") == "THINK"]
    others = [part for part in fragments if part.get("type") not in ("REQUEST", "RESPONSE", "THINK")]
    files = [mapping(each) for each in items(message.get("files"))]
    return Said(
        name=name,
        parent=text(node.get("parent")),
        role=Role.USER if is_user else Role.ASSISTANT,
        text=paragraphs(said) or text(message.get("content")),
        reasoning=paragraphs(thought) or text(message.get("reasoning_content")),
        at=moment(message.get("inserted_at")),
        model="" if is_user else text(message.get("model")),
        files=[{"id": text(each.get("id")), "name": text(each.get("file_name"))} for each in files],
        rest=rest(message, _SAID) | ({"fragments": others} if others else {}),
    )
