"""Search on the wire."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from duihua.schemas.base import PeriodQuery, Reference, RowId
from duihua.schemas.conversation import ConversationResponse
from duihua.vocabulary import MessageType, Role


class SearchQuery(PeriodQuery):
    """What is looked for, and where."""

    keyword: str = Field(
        max_length=200,
        description='several words must all occur; `"a phrase"`, `-excluded`. One or two Latin letters or '
        "digits alone are looked for at the beginning of words, all else anywhere",
        examples=["京都 旅行"],
    )
    type: Literal["all", "chat", "message"] = Field(
        "all", description="conversations by title and description, messages by text, or both"
    )
    group_id: RowId | None = Field(None, description="only in this group's conversations", examples=[1])
    model_id: str | None = Field(
        None, max_length=255, description="messages that this model wrote; conversations set to it"
    )
    chat_id: Reference | None = Field(
        None, description="messages of this conversation (uuid, or the integer id), and no conversations"
    )
    on_branch: bool | None = Field(
        None, description="only messages that are shown, or only those that are not"
    )
    role: Role | None = Field(None, description="messages of this role, and no conversations")
    message_type: MessageType | None = Field(None, description="messages of this type, and no conversations")
    sort: Literal["relevance", "newest", "place"] = Field(
        "relevance",
        description="the best of the newest few hundred hits first, then the others; strictly by time; "
        "or, with `chat_id`, from the end of the conversation to its beginning",
    )

    @model_validator(mode="after")
    def _has_places(self) -> Self:
        if self.sort == "place" and self.chat_id is None:
            raise ValueError("sort=place needs a chat_id")
        return self


class FoundConversation(ConversationResponse):
    """A conversation whose title or description was meant."""

    highlighted_title: str = Field(
        description="HTML: the title, matches in `<mark>`", examples=["去<mark>京都</mark>"]
    )
    snippet: str | None = Field(description="HTML: a passage of the description; null where there is none")


class FoundMessage(BaseModel):
    """A message that was meant, and how to get there."""

    id: int
    uuid: str
    chat_id: str = Field(description="uuid of its conversation")
    chat_title: str
    highlighted_title: str = Field(description="HTML: the conversation's title, matches in `<mark>`")
    group_id: int = Field(description="of its conversation")
    role: Role
    message_type: MessageType
    model_id: str | None
    snippet: str = Field(
        description="HTML: the best passage, matches in `<mark>`, all else escaped",
        examples=["明天去<mark>京都</mark>…"],
    )
    parent_id: str | None = Field(description="uuid of the message it answers or follows")
    depth: int = Field(description="how many messages come before it on its branch")
    on_branch: bool = Field(
        description="whether it is shown; else `PUT /chat/messages/{uuid}/activate` shows its branch. Then "
        "`GET /chat/conversations/{chat_id}/messages?around={uuid}` is the page around it"
    )
    created_at: str


class SearchTotal(BaseModel):
    """How many hits there are; of more than 10,000 only the first 10,000 can be paged through."""

    conversations: int
    messages: int
    is_exact: bool = Field(description="false: where 10,000 is said, there are more")


class SearchResponse(BaseModel):
    """One page of conversations, and one of messages."""

    conversations: list[FoundConversation]
    messages: list[FoundMessage]
    total: SearchTotal
    pageNum: int  # noqa: N815 - the wire's own spelling
    pageSize: int  # noqa: N815 - the wire's own spelling
