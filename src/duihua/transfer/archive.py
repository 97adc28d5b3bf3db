"""The shape of an exported conversation: `docs/export-format.md` tells it to people.

It names nothing by the ids of one database: messages by their uuids, the group by its name. What belongs to
the server and not to the conversation (connections, prompts) is not in it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from duihua.vocabulary import MessageState, MessageType, Role, TitleSource

FORMAT, VERSION = "duihua", 1
# Where a zip has the contents of files: this, and their id.
FILES_FOLDER = "files/"

Moment = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class ArchivedRevision(Struct, frozen=True):
    """A text that a message had before it was edited."""

    content: str
    created_at: Moment


class ArchivedMessage(Struct, omit_defaults=True):
    """A message; `parent` is the uuid of one of the same archive, or absent."""

    uuid: Name
    role: Role
    content: str
    created_at: Moment
    updated_at: Moment
    parent: Name | None = None
    reasoning: str | None = None
    reasoning_ms: Count | None = None
    first_token_ms: Count | None = None
    duration_ms: Count | None = None
    message_type: MessageType = MessageType.TEXT
    message_metadata: dict[str, Any] | None = None
    files: list[Any] = field(default_factory=list)
    model_id: Annotated[str, Meta(max_length=255)] | None = None
    token_count: Count = 0
    character_count: Count = 0
    state: MessageState = MessageState.COMPLETE
    error: Annotated[str, Meta(max_length=50)] | None = None
    error_values: dict[str, Any] | None = None
    finish_reason: Annotated[str, Meta(max_length=50)] | None = None
    revisions: list[ArchivedRevision] = field(default_factory=list)


class ArchivedConversation(Struct, omit_defaults=True):
    """A conversation; `active_leaf` is the last shown message, `group` is None for the default one."""

    uuid: Name
    title: Annotated[str, Meta(min_length=1, max_length=255)]
    created_at: Moment
    updated_at: Moment
    title_source: TitleSource = TitleSource.PERSON
    description: str | None = None
    group: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    model_id: Annotated[str, Meta(max_length=255)] | None = None
    config: dict[str, Any] = field(default_factory=dict)
    pinned: bool = False
    archived: bool = False
    active_leaf: Name | None = None


class ArchivedFile(Struct):
    """The content of a file, in base64."""

    content: bytes


class Archive(Struct):
    """A conversation and all of its messages, parents before their answers.

    `files` holds contents by the `id` that messages have for them; in a zip they are entries of their own.
    """

    conversation: ArchivedConversation
    messages: list[ArchivedMessage]
    files: dict[str, ArchivedFile] = field(default_factory=dict)
    format: str = FORMAT
    version: int = VERSION


def named_files(messages: Iterable[ArchivedMessage]) -> dict[str, str]:
    """The files that these messages have, each once: names by id. Older rows may hold any JSON."""
    listed = (item for message in messages for item in message.files if isinstance(item, dict))
    return {item["id"]: str(item.get("name", "")) for item in listed if isinstance(item.get("id"), str)}


def file_ids(messages: Iterable[ArchivedMessage]) -> list[str]:
    """The ids of the files that these messages have, each once."""
    return list(named_files(messages))
