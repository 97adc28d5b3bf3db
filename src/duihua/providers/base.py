"""What a provider is: something that turns a prompt into a stream of deltas."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from duihua.core.errors import AppError

Role = Literal["system", "user", "assistant", "tool"]


class Attachment(NamedTuple):
    """A file beside a message: a document's `text`, or a picture, which `read` gives.

    A picture that is not to be shown has neither.
    """

    name: str
    content_type: str
    text: str | None = None
    is_cut: bool = False
    read: Callable[[], Awaitable[bytes]] | None = None


class PromptMessage(NamedTuple):
    """One message of the prompt."""

    role: Role
    content: str
    attachments: tuple[Attachment, ...] = ()


class ProviderRequest(msgspec.Struct, frozen=True):
    """One question to one model.

    `settings` are the generation settings (`temperature`, `max_tokens`, …), unknown ones included:
    a dialect passes on what its protocol takes.
    """

    model: str
    messages: Sequence[PromptMessage]
    settings: Mapping[str, Any] = {}
    # Asked even while the provider is left alone: a person tries it.
    insists: bool = False
    # What the reply begins with, where it is to go on; the last two messages are this and the wish for more.
    begun: str = ""


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the provider counted them; never negative."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class Delta(msgspec.Struct, frozen=True):
    """What one event of the upstream added: text, reasoning, and at the end why it ended and what it used."""

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None


class ModelInfo(msgspec.Struct, frozen=True):
    """A model that a provider offers; its context in tokens and what it can do, where the provider tells."""

    id: str
    name: str
    context_length: int | None = None
    capabilities: tuple[str, ...] | None = None


class Provider(Protocol):
    """A connected source of models."""

    name: str

    def stream(self, request: ProviderRequest) -> AsyncGenerator[Sequence[Delta], None]:
        """Yield the deltas of each network read together, until the reply is complete.

        Returning normally means the provider said so (a finish reason or `[DONE]`): a stream that
        merely stops raises. Closing the iterator (`aclose`, cancellation) closes the upstream socket.

        Raises:
            ProviderError: with what went wrong; deltas yielded before it stand.
        """
        ...

    async def list_models(self) -> Sequence[ModelInfo]:
        """The models on offer, in the provider's order. Raises ProviderError."""
        ...

    def refusal(self) -> AppError | None:
        """What a question would be refused with at once, before anybody is asked."""
        ...
