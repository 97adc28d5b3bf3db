"""Files on the wire."""

from typing import Literal

from pydantic import BaseModel, Field


class FileResponse(BaseModel):
    """An uploaded file."""

    id: str = Field(description="its uuid, for `files` of a message")
    name: str
    size: int = Field(description="bytes")
    content_type: str = Field(description="as its content shows, whatever its name says")
    url: str = Field(description="where its content is, below the API's base URL")
    kind: Literal["image", "document"]
    character_count: int | None = Field(description="a document's text, as far as models are shown it")
    is_cut: bool = Field(description="whether the document has more text than that")
    sha256: str
    created_at: str
