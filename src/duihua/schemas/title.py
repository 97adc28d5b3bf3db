"""Titles on the wire."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, StrictStr, field_validator, model_validator

from duihua.schemas.base import Integer, Reference, WireModel, not_blank

MAX_LENGTH = 50


class TitleRequest(WireModel):
    """What to call: a text, or a conversation by its first question."""

    content: Annotated[StrictStr, Field(examples=["如何在 Debian 上安装 Docker？"])] | None = None
    max_length: Integer = Field(
        MAX_LENGTH, ge=1, le=255, description="in graphemes: what a reader takes for one character"
    )
    chat_id: Reference | None = Field(
        None, description="whose model is asked; its first question, where there is no `content`"
    )

    _content_not_blank = field_validator("content")(not_blank)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.content is None and self.chat_id is None:
            raise ValueError("content is required")
        return self


class TitleResponse(BaseModel):
    """A title."""

    title: str = Field(description="at most `max_length` graphemes", examples=["在 Debian 上安装 Docker"])
