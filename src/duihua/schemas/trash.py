"""The trash on the wire."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, StrictBool, model_validator

from duihua.schemas.base import Reference, WireModel
from duihua.schemas.conversation import ConversationResponse


class TrashRestore(WireModel):
    """Which deleted conversations come back."""

    ids: Annotated[list[Reference], Field(max_length=1000, description="deleted conversations")]


class TrashPurge(WireModel):
    """Which deleted conversations are removed for good: those that are named, or all."""

    ids: list[Reference] = Field(default=[], max_length=1000, description="deleted conversations")
    all: StrictBool = Field(False, description="instead of `ids`: everything in the trash")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        # An empty list is a list; nothing at all must never mean everything, nor pass for a success.
        if self.all == ("ids" in self.model_fields_set):
            raise ValueError("give either ids or all: true")
        return self


class TrashedConversation(ConversationResponse):
    """A deleted conversation."""

    deleted_at: str = Field(description="when it was deleted", examples=["2026-01-31T08:00:00.000000+00:00"])


class TrashRestored(BaseModel):
    """What came back."""

    restored: int = Field(description="how many conversations came back", examples=[1])
    missing: list[str] = Field(description="those that were not in the trash")


class TrashPurged(BaseModel):
    """What is gone for good."""

    purged: int = Field(description="how many conversations were removed", examples=[1])
    missing: list[str] = Field(description="those that were not in the trash")
