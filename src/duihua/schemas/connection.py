"""Model connections and the models they offer, on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StrictStr

from duihua.schemas.base import Integer, PeriodQuery, QueryModel, RowId, WireModel
from duihua.schemas.conversation import GenerationSettings, ModelId

Status = Literal["active", "inactive"]


def _sendable(key: str) -> str:
    if not (key.isascii() and key.isprintable()):
        raise ValueError("must be a key as the provider gave it; a masked one is none")
    return key.strip()


def _sendable_or_masked(key: str) -> str:
    return key if is_masked(key) else _sendable(key)


def is_masked(key: str) -> bool:
    """Whether it is what an answer shows in the place of a key."""
    return "…" in key


KeyText = Annotated[StrictStr, Field(max_length=4000)]
ModelName = Annotated[StrictStr, Field(max_length=255, description="default: the first chat model it lists")]
Address = Annotated[
    StrictStr,
    Field(
        max_length=2000,
        description="with or without `/v1`; default: the provider's usual one",
        examples=["https://api.deepseek.com/v1"],
    ),
]
Provider = Annotated[StrictStr, Field(max_length=50, examples=["deepseek"])]
MaxTokens = Annotated[Integer, Field(ge=1, le=2**31 - 1)]
Seconds = Annotated[Integer, Field(ge=1, le=3600, description="how long the provider may say nothing")]


class ConnectionCreate(WireModel):
    """A new connection."""

    api_key: Annotated[KeyText, AfterValidator(_sendable)] | None = None
    model_name: ModelName | None = None
    model_url: Address | None = None
    provider: Provider | None = None
    description: Annotated[StrictStr, Field(max_length=10_000)] | None = None
    status: Status = "active"
    config: GenerationSettings | None = Field(
        None,
        description="beneath the settings of every question; `capabilities` and `context_length` in it "
        "decide what its models are said to be",
    )
    max_tokens: MaxTokens | None = None
    timeout: Seconds | None = None


class ConnectionUpdate(WireModel):
    """What changes: an absent field stays, an explicit null clears; so does a masked key leave the stored."""

    id: RowId
    api_key: Annotated[KeyText, AfterValidator(_sendable_or_masked)] | None = None
    model_name: ModelName | None = None
    model_url: Address | None = None
    provider: Provider | None = None
    description: Annotated[StrictStr, Field(max_length=10_000)] | None = None
    # Never read where it is absent: what was not sent is not changed.
    status: Status = "active"
    config: GenerationSettings | None = None
    max_tokens: MaxTokens | None = None
    timeout: Seconds | None = None


class ConnectionBatch(WireModel):
    """Several connections at once."""

    ids: Annotated[list[RowId], Field(max_length=1000)]


class ConnectionBatchStatus(ConnectionBatch):
    """Several connections, and what becomes of them."""

    status: Status


class ConnectionQuery(PeriodQuery):
    """Which connections, the oldest, which is the default one, first; the times are those of creation."""

    keyword: str | None = Field(None, max_length=200, description="in model, address, provider, description")
    status: Status | None = None
    model_name: str | None = Field(None, max_length=255)
    provider: str | None = Field(None, max_length=50)


class ConnectionTest(WireModel):
    """A stored connection, or one that is not stored yet; what is named goes before what is stored."""

    id: RowId | None = None
    api_key: Annotated[KeyText, AfterValidator(_sendable_or_masked)] | None = None
    model_name: ModelName | None = None
    model_url: Address | None = None
    provider: Provider | None = None
    timeout: Seconds | None = None
    test_message: Annotated[StrictStr, Field(min_length=1, max_length=10_000)] = "Hello"


class ConnectionResponse(BaseModel):
    """A connection."""

    id: int
    api_key: str | None = Field(description="masked: `sk-…abcd`; null where there is none")
    model_name: str | None
    model_url: str | None
    provider: str | None
    description: str | None
    status: str
    config: dict[str, Any]
    max_tokens: int | None
    timeout: int | None = Field(description="seconds")
    created_at: str
    updated_at: str


class ConnectionBatchDeletion(BaseModel):
    """What a batch deleted."""

    deleted: int
    missing: list[int] = Field(description="those that were not there")


class ConnectionBatchUpdate(BaseModel):
    """What a batch changed."""

    updated: int
    missing: list[int] = Field(description="those that were not there")


class ModelQuery(QueryModel):
    """Which models."""

    active_only: bool = Field(
        True, description="false: also those of inactive connections, as last listed, after the others"
    )
    provider: str | None = Field(None, max_length=255)


class ModelTest(WireModel):
    """Which model is asked what."""

    model_id: ModelId
    test_message: Annotated[StrictStr, Field(min_length=1, max_length=10_000)] = "Hello"


class ModelResponse(BaseModel):
    """A model that can be chosen."""

    id: str = Field(description="what `model_id` takes elsewhere; `connection/model` where two offer it")
    model_id: str = Field(description="what the provider calls it")
    name: str
    provider: str
    status: Status
    api_key_id: int | None = Field(description="null: the operator's connection, or the offline model")
    capabilities: list[str] = Field(
        description="chat, vision, tools, reasoning: as the connection's `config` says, the provider, or "
        "the model's name",
        examples=[["chat", "vision", "tools"]],
    )
    context_length: int | None = Field(
        description="tokens: as the connection's `config` says, the provider, or the model's name"
    )
    error: str | None = Field(description="why the provider could not be asked: this is what it last listed")
    unavailable: str | None = Field(
        description="why it cannot answer at present: stable, for machines; null: nothing is known against it"
    )
    unavailable_message: str | None = Field(description="the same in words")


class TestResponse(BaseModel):
    """How a test went."""

    success: bool
    message: str = Field(description="how it went, in words")
    error: str | None = Field(description="why it failed: stable, for machines")
    reply: str | None
    model_id: str | None = Field(description="the model that was asked")
    response_time: float = Field(description="seconds")
