"""Conversations on the wire, and how their models are asked."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, field_validator

from duihua.schemas.base import Integer, Number, PeriodQuery, Reference, RowId, WireModel, not_blank

Title = Annotated[StrictStr, Field(max_length=255)]
Description = Annotated[StrictStr, Field(max_length=10_000)]
ModelId = Annotated[StrictStr, Field(min_length=1, max_length=255)]
References = Annotated[list[Reference], Field(max_length=1000)]


class GenerationSettings(WireModel):
    """How the model is asked. Unknown keys are kept, and passed on where the provider takes them."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    temperature: Number | None = Field(None, ge=0, le=2)
    top_p: Number | None = Field(None, ge=0, le=1)
    max_tokens: Integer | None = Field(None, ge=1, le=2**31 - 1)
    system_prompt: StrictStr | None = Field(None, max_length=200_000)
    context_messages: Integer | None = Field(
        None, ge=0, le=100_000, description="how many earlier messages the model is shown; all where absent"
    )
    prompt_variables: dict[str, StrictStr | Integer | Number | StrictBool | None] | None = Field(
        None, description="what `{{name}}` in the conversation's prompt is filled with, by name"
    )

    def to_storage(self) -> dict[str, Any]:
        """The settings that were given, and no others."""
        return self.model_dump(exclude_unset=True)


class ConversationCreate(WireModel):
    """A new conversation; everything has a default."""

    title: Title | None = None
    description: Description | None = None
    group_id: RowId | None = None
    model_id: ModelId | None = None
    api_key_id: RowId | None = None
    prompt_id: RowId | None = None
    config: GenerationSettings | None = None

    _title_not_blank = field_validator("title")(not_blank)


class ConversationUpdate(ConversationCreate):
    """What changes: an absent field stays, an explicit null clears."""

    pinned: StrictBool | None = None
    status: Literal["active", "archived"] | None = None


class ConversationQuery(PeriodQuery):
    """Which conversations; pinned ones come first."""

    keyword: str | None = Field(None, max_length=200, description="in title, description or message text")
    group_id: RowId | None = None
    model_id: str | None = Field(None, max_length=255)
    status: Literal["active", "archived", "all"] = "active"
    pinned: bool | None = None
    sort: Literal["updated", "created", "title"] = "updated"


class ConversationBatch(WireModel):
    """Several conversations at once."""

    ids: References


class ConversationMove(WireModel):
    """Where one conversation goes."""

    group_id: RowId


class ConversationBatchMove(WireModel):
    """Where several conversations go."""

    chat_ids: References
    target_group_id: RowId


class ConversationBatchStatus(WireModel):
    """Whether several conversations are on the shelf."""

    chat_ids: References
    status: Literal["active", "archived"]


class ConversationResponse(BaseModel):
    """A conversation."""

    id: int
    uuid: str
    title: str
    description: str | None
    group_id: int
    model_id: str | None
    api_key_id: int | None
    prompt_id: int | None
    config: dict[str, Any]
    message_count: int = Field(description="messages of the active branch")
    last_message: str | None = Field(description="the beginning of the newest message")
    pinned: bool
    status: str
    created_at: str
    updated_at: str


class BatchDeletion(BaseModel):
    """What a batch deleted."""

    deleted: int
    missing: list[str]


class BatchMove(BaseModel):
    """What a batch moved."""

    moved: int
    missing: list[str]


class BatchStatus(BaseModel):
    """What a batch put on the shelf, or took from it."""

    updated: int
    missing: list[str]
