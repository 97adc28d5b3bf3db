"""Shared conversations on the wire."""

from pydantic import BaseModel, Field

from duihua.schemas.base import Integer, WireModel


class ShareCreate(WireModel):
    """For how long a conversation is shared."""

    days: Integer | None = Field(
        None, ge=1, le=3650, description="until when it can be read, from now on; null: until it is revoked"
    )


class ShareResponse(BaseModel):
    """A page that everybody who has its address may read: what the conversation was at `created_at`."""

    chat_id: str = Field(description="uuid of the conversation")
    title: str = Field(description="of the conversation, when it was shared", examples=["春天的诗"])
    path: str = Field(description="of the page, on this server", examples=["/share/Yc7r1WnXJb2kU0q5vT8sGw"])
    created_at: str = Field(
        description="when what is shown was taken", examples=["2026-01-31T08:00:00.000000+00:00"]
    )
    expires_at: str | None = Field(
        description="from when on nobody can read it; null: it does not expire",
        examples=["2026-02-28T08:00:00.000000+00:00"],
    )


class ShareList(BaseModel):
    """All that a user shares."""

    shares: list[ShareResponse] = Field(description="the newest first")
