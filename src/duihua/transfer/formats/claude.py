"""Claude.ai: a conversation has `chat_messages`, each of blocks; newer exports say whom each answers."""

from typing import Any

from duihua.transfer.formats.told import Said, Told, items, mapping, moment, paragraphs, rest, text
from duihua.vocabulary import Role

_SAID = {"uuid", "sender", "text", "content", "created_at", "updated_at", "parent_message_uuid"}
_SAID |= {"attachments"}
_TOLD = {"uuid", "name", "created_at", "updated_at", "chat_messages"}


def recognises(value: dict[str, Any]) -> bool:
    """Whether it has a list of `chat_messages`."""
    return isinstance(value.get("chat_messages"), list)


def told(value: dict[str, Any]) -> Told:
    """The conversation; nothing says which branch was shown: that of the newest message."""
    contents: dict[str, bytes] = {}
    messages: list[Said] = []
    for item in items(value.get("chat_messages")):
        if isinstance(item, dict):
            before = messages[-1].name if messages else ""
            messages.append(_said(item, before, contents))
    return Told(
        name=text(value.get("uuid")),
        title=text(value.get("name")) or "Claude",
        messages=messages,
        at=moment(value.get("created_at")),
        changed=moment(value.get("updated_at")),
        rest=rest(value, _TOLD),
        contents=contents,
    )


def _said(item: dict[str, Any], before: str, contents: dict[str, bytes]) -> Said:
    name = text(item.get("uuid"))
    blocks = [mapping(block) for block in items(item.get("content"))]
    kinds = ("text", "thinking")
    others = [block for block in blocks if block.get("type") not in kinds]
    cited = [block for block in blocks if block.get("type") in kinds and block.get("citations")]
    said = paragraphs(text(block.get("text")) for block in blocks if block.get("type") == "text")
    thought = (text(block.get("thinking")) for block in blocks if block.get("type") == "thinking")
    return Said(
        name=name,
        parent=text(item["parent_message_uuid"]) if "parent_message_uuid" in item else before,
        role=Role.USER if item.get("sender") == "human" else Role.ASSISTANT,
        # The flat copy has stand-ins for what is in other blocks.
        text=said if blocks else text(item.get("text")),
        reasoning=paragraphs(thought),
        at=moment(item.get("created_at")),
        changed=moment(item.get("updated_at")),
        files=_files(name, item, contents),
        rest=rest(item, _SAID) | ({"content": others + cited} if others or cited else {}),
    )


def _files(message: str, item: dict[str, Any], contents: dict[str, bytes]) -> list[dict[str, Any]]:
    """What was attached: its text is all that there is of it."""
    found = []
    for number, attached in enumerate(map(mapping, items(item.get("attachments")))):
        name = text(attached.get("file_name")) or f"{number + 1}.txt"
        extracted = text(attached.get("extracted_content"))
        file_id = f"claude:{message}:{number}"
        if extracted:
            contents[file_id] = extracted.encode(errors="replace")
        found.append({"id": file_id, "name": name if name.endswith((".txt", ".md")) else f"{name}.txt"})
    return found
