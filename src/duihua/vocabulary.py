"""The closed sets of words that are stored and sent."""

from enum import StrEnum


class Duplicates(StrEnum):
    """What an import does with a conversation that is there already."""

    SKIP = "skip"
    # What it has more is added.
    UPDATE = "update"
    COPY = "copy"


class Role(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


class MessageType(StrEnum):
    """What a message carries."""

    TEXT = "text"
    IMAGE = "image"
    FILE = "file"


class MessageState(StrEnum):
    """How a message came to its end; only `streaming` can still change by itself."""

    COMPLETE = "complete"
    STREAMING = "streaming"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class RowStatus(StrEnum):
    """Whether a row is visible; DELETE marks, it does not remove."""

    ACTIVE = "active"
    DELETED = "deleted"


class FileStatus(StrEnum):
    """Whether a file is all there, and visible; of a purged one the content is about to be removed."""

    INCOMING = "incoming"
    ACTIVE = "active"
    DELETED = "deleted"
    PURGED = "purged"


class ConversationStatus(StrEnum):
    """Where a conversation is kept."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DELETED = "deleted"


class TitleSource(StrEnum):
    """Who gave the title: one that a person wrote is never replaced."""

    DEFAULT = "default"
    GENERATED = "generated"
    PERSON = "person"


class Span(StrEnum):
    """What a tally is of."""

    QUARTER = "quarter"  # of an hour
    MONTH = "month"


class ImportState(StrEnum):
    """How far an import is; `complete` is one that read its file to the end."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
