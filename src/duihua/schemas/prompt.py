"""Prompts on the wire."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StrictStr

from duihua.schemas.base import Integer, Number, PeriodQuery, RowId, WireModel, not_blank

Category = Literal["system", "role", "creative", "code", "other"]
Title = Annotated[
    StrictStr, Field(min_length=1, max_length=255, examples=["翻译"]), AfterValidator(not_blank)
]
Content = Annotated[
    StrictStr,
    Field(
        min_length=1,
        max_length=200_000,
        description="the text; `{{name}}` is filled from the variables",
        examples=["你是一名翻译，把用户的话译成{{language}}。"],
    ),
    AfterValidator(not_blank),
]
Description = Annotated[StrictStr, Field(max_length=10_000)]
Sort = Annotated[Integer, Field(ge=-(2**31), le=2**31 - 1)]
Value = StrictStr | Integer | Number | StrictBool | None
Values = Annotated[
    dict[str, Value],
    Field(description="the value of each variable, by its name", examples=[{"language": "英语"}]),
]
_VARIABLES = (
    "the variables and their defaults: `{name: value}`, `{name: {default, …}}`, or a list of "
    "`{name, default, …}`. A variable without any value stays in the text as it is written"
)


def _tidy(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))


Tags = Annotated[
    list[Annotated[StrictStr, Field(max_length=50)]],
    Field(max_length=50, examples=[["翻译", "写作"]]),
    AfterValidator(_tidy),
]


class PromptCreate(WireModel):
    """A new prompt."""

    title: Title
    content: Content
    category: Category = "other"
    description: Description | None = None
    tags: Tags = Field(default=[])
    is_public: StrictBool = False
    variables: dict[str, Any] | list[Any] | None = Field(None, description=_VARIABLES)
    config: dict[str, Any] | None = Field(None, description="whatever a client keeps there")
    sort: Sort = 0


class PromptUpdate(WireModel):
    """What changes: an absent field stays, an explicit null clears. Title and content cannot be cleared."""

    id: RowId
    # Never read where they are absent: what was not sent is not changed.
    title: Title = ""
    content: Content = ""
    category: Category | None = None
    description: Description | None = None
    tags: Tags | None = None
    is_public: StrictBool | None = None
    variables: dict[str, Any] | list[Any] | None = Field(None, description=_VARIABLES)
    config: dict[str, Any] | None = Field(None, description="whatever a client keeps there")
    sort: Sort | None = None


class PromptBatch(WireModel):
    """Several prompts at once."""

    ids: Annotated[list[RowId], Field(max_length=1000)]


class PromptQuery(PeriodQuery):
    """Which prompts, by `sort`, newest first; the times are those of the last change."""

    keyword: str | None = Field(None, max_length=200, description="in title, description or content")
    category: str | None = Field(None, max_length=50)
    tags: str | None = Field(
        None, max_length=1000, description="separated by commas; prompts that have all of them"
    )

    @property
    def wanted_tags(self) -> list[str]:
        """The tags one by one."""
        return _tidy(re.split("[,，]", self.tags or ""))


class PromptTest(WireModel):
    """A text to try out on a model before it is stored."""

    content: Content
    variables: Values = Field(default={})
    test_input: StrictStr | None = Field(
        None, max_length=200_000, description="what a person says; without it the model is asked the text"
    )
    model_id: Annotated[StrictStr, Field(min_length=1, max_length=255)] | None = Field(
        None, description="default: the default model"
    )


class PromptResponse(BaseModel):
    """A prompt."""

    id: int
    title: str
    category: str | None = Field(description="system, role, creative, code or other")
    content: str = Field(description="`{{name}}` is filled from the variables")
    placeholders: list[str] = Field(description="the names in `content` that are filled, in order")
    description: str | None
    tags: list[str]
    is_public: bool = Field(description="kept; nobody else sees it while there are no accounts")
    variables: Any = Field(description=_VARIABLES)
    config: dict[str, Any] = Field(description="whatever a client keeps there")
    sort: int = Field(description="smaller ones come first")
    created_at: str
    updated_at: str


class PromptBatchDeletion(BaseModel):
    """What a batch deleted."""

    deleted: int
    missing: list[int] = Field(description="those that were not there")


class PromptTestResponse(BaseModel):
    """What the model made of a prompt."""

    success: bool
    message: str = Field(description="how it went, in words")
    error: str | None = Field(description="why it failed: stable, for machines")
    result: str | None = Field(description="the model's reply; null where it gave none")
    content: str = Field(description="the text as the model was given it")
    missing: list[str] = Field(description="variables without a value; they stay in the text as written")
    model_id: str | None = Field(description="the model that was asked")
    response_time: float = Field(description="seconds")
