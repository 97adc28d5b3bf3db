"""Groups on the wire."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictStr, field_validator

from duihua.schemas.base import Integer, QueryModel, WireModel, not_blank
from duihua.schemas.conversation import ConversationResponse, Description

GroupName = Annotated[StrictStr, Field(min_length=1, max_length=100)]
Color = Annotated[StrictStr, Field(pattern=r"^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$", examples=["#409EFF"])]


class ChatGroupQuery(QueryModel):
    """Whether the groups come with their conversations."""

    include_chats: bool = True


class ChatGroupDeletion(QueryModel):
    """What becomes of a deleted group's conversations."""

    delete_chats: bool = False


class ChatGroupCreate(WireModel):
    """A new group."""

    name: GroupName
    description: Description | None = None
    color: Color | None = None
    sort: Integer = Field(0, ge=-(2**31), le=2**31 - 1)

    _name_not_blank = field_validator("name")(not_blank)


class ChatGroupUpdate(WireModel):
    """What changes: an absent field stays, an explicit null clears."""

    name: GroupName | None = None
    description: Description | None = None
    color: Color | None = None
    sort: Integer | None = Field(None, ge=-(2**31), le=2**31 - 1)

    _name_not_blank = field_validator("name")(not_blank)


class ChatGroupResponse(BaseModel):
    """A group, with its newest conversations where they were asked for."""

    id: int
    name: str
    description: str | None
    color: str | None
    sort: int
    is_default: Literal[0, 1]
    status: str
    conversation_count: int
    created_at: str
    updated_at: str
    conversations: list[ConversationResponse] | None = None
