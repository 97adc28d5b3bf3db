"""Messages on the wire."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StrictStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from duihua.schemas.base import PageQuery, Reference, WireModel, not_blank
from duihua.schemas.conversation import GenerationSettings, ModelId
from duihua.vocabulary import MessageState, MessageType, Role


class MessageQuery(PageQuery):
    """Which messages of the active branch; `before`, `after` and `around` name a message."""

    page_size: int = Field(50, ge=1, le=100)
    message_type: MessageType | None = None
    before: Reference | None = None
    after: Reference | None = None
    around: Reference | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.before, self.after, self.around, self.cursor)) > 1:
            raise ValueError("give one of before, after, around and cursor")
        return self


def _said(content: str) -> str:
    not_blank(content)
    return content


class NamedFile(BaseModel):
    """An uploaded file; what else is said of it is known already."""

    id: Reference


def _id_of(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


class MessageCreate(WireModel):
    """What a person says."""

    also_known_as: ClassVar[dict[str, str]] = {"type": "message_type", "metadata": "message_metadata"}

    chat_id: Reference
    files: list[Annotated[Reference, BeforeValidator(_id_of, Reference | NamedFile)]] = Field(
        default=[],
        max_length=100,
        description="ids of uploaded files, or what `/chat/upload` said of them; the model is shown them too",
    )
    content: StrictStr = Field(
        "", validate_default=True, examples=["你好"], description="may be left out where there are files"
    )
    message_type: MessageType = MessageType.TEXT
    message_metadata: dict[str, Any] | None = None
    parent_id: Reference | None = Field(None, description="answer to this message; default: the branch's end")
    model_id: ModelId | None = Field(None, description="for this reply only")
    config: GenerationSettings | None = Field(
        None, description="for this reply only, over the conversation's"
    )
    stream: StrictBool = False

    @field_validator("content")
    @classmethod
    def _says_something(cls, content: str, info: ValidationInfo) -> str:
        return content if info.data.get("files") else _said(content)


class MessageRegenerate(WireModel):
    """Which answer is wanted anew."""

    chat_id: Reference
    message_id: Reference = Field(description="an assistant's message, or a user's: its reply")
    continue_reply: StrictBool = Field(
        False, description="the new version begins with the text of this one, and goes on from there"
    )
    model_id: ModelId | None = None
    config: GenerationSettings | None = None
    stream: StrictBool = False


class MessageEdit(WireModel):
    """A new text for a message, in place or as a new version."""

    content: StrictStr
    branch: StrictBool = Field(False, description="make a new version and answer it anew")
    stream: StrictBool = Field(False, description="with `branch`: answer as a stream")

    _content_not_blank = field_validator("content")(not_blank)


class StreamCancel(WireModel):
    """Which generation to stop."""

    task_id: Reference | None = None


class VersionResponse(BaseModel):
    """Which of its versions a message is."""

    index: int
    count: int
    uuids: list[str]


class ErrorDetails(BaseModel):
    """What is known of a failure beyond its sentence."""

    provider: str | None
    model: str | None = Field(description="the model that was asked, by the provider's name for it")
    upstream_status: int | None = Field(description="the HTTP status of the provider's answer")
    reason: str | None = Field(description="what the provider said, without keys")


class MessageResponse(BaseModel):
    """A message."""

    id: int
    uuid: str
    chat_id: str
    parent_id: str | None = Field(description="uuid of the message it answers or follows")
    role: Role
    content: str
    reasoning: str | None = Field(description="what the model thought, where it shows that")
    reasoning_ms: int | None = Field(description="milliseconds that it thought; null until it ends")
    first_token_ms: int | None = Field(description="milliseconds until its first word or thought came")
    duration_ms: int | None = Field(description="milliseconds from the question to its end; null until then")
    message_type: MessageType
    message_metadata: dict[str, Any] | None
    files: list[Any] = Field(description="`{id, name, size, content_type, url}` of each")
    model_id: str | None
    token_count: int
    character_count: int
    state: MessageState
    error: str | None = Field(description="why it failed: stable, for machines")
    error_message: str | None = Field(description="the same in words")
    error_details: ErrorDetails | None = Field(description="what is known of it where a provider was asked")
    retry_at: str | None = Field(description="when to ask again, where the provider said that")
    finish_reason: str | None
    version: VersionResponse
    task_id: str | None = Field(description="while streaming: the generation to join")
    last_event_id: int | None = Field(description="while streaming: the last event contained in `content`")
    created_at: str
    updated_at: str


class ReplyResponse(BaseModel):
    """The answer to a message that was sent without streaming."""

    message_id: str
    content: str
    created_at: str
    reply: MessageResponse
    task_id: str
