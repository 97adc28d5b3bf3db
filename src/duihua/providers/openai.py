"""The OpenAI-compatible dialect: OpenAI, DeepSeek, Qwen, vLLM, llama.cpp, LM Studio, Ollama's /v1."""

import base64
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec

from duihua.providers.attachments import with_documents
from duihua.providers.base import Delta, ModelInfo, PromptMessage, ProviderRequest
from duihua.providers.capabilities import said_of
from duihua.providers.details import completed
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import ProviderError, ProviderInvalidResponse, ProviderPaused
from duihua.providers.openai_reply import OpenAIReply
from duihua.providers.reply import Reply
from duihua.providers.text import one_line
from duihua.providers.transport import Transport

_CHAT = "/chat/completions"
_MODELS = "/models"
_MODELS_SECONDS = 5.0
_MODEL_ID_LENGTH = 255
_REFUSED_PARAMETER = {400, 422}
# OpenRouter says 404, llama.cpp 500; DeepSeek and others that content must be a string.
_REFUSED_PICTURES = {400, 404, 415, 422, 500, 501}
_ABOUT_PICTURES = re.compile(r"image|vision|multi-?modal|mmproj|content.*(string|str\b|text)", re.IGNORECASE)
# The protocol's own fields, which the request decides, and ours, which no provider knows.
_NOT_SETTINGS = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "n"),
        *(
            "system_prompt",
            "prompt_variables",
            "context_messages",
            "offline",
            "capabilities",
            "context_length",
        ),
    }
)


class OpenAIProvider:
    """A connection that speaks `POST /chat/completions` with server-sent events."""

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self.name = endpoint.provider
        self._endpoint = endpoint
        self._transport = transport
        self._takes_stream_options = True

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[Sequence[Delta], None]:
        """See `Provider.stream`."""
        with self._transport.breakers.attempt(self._endpoint, insists=request.insists) as attempt:
            reply = await self._open(request)
            reading = OpenAIReply(self._endpoint, request.model)
            is_whole = False
            try:
                while not reading.is_over:
                    if deltas := reading.feed(await reply.read()):
                        attempt.answered()
                        yield deltas
                        reply.progressed(is_ending=reading.finish_reason is not None)
                if verdict := reading.verdict(reply.failure):
                    raise verdict
                is_whole = True
            finally:
                self._transport.release(reply, is_whole=is_whole)

    async def list_models(self) -> Sequence[ModelInfo]:
        """See `Provider.list_models`."""
        listing = await self._transport.get_json(self._endpoint, _MODELS, seconds=_MODELS_SECONDS)
        models = models_in(self._endpoint.provider, listing)
        return await completed(self._transport, self._endpoint, listing, models)

    def refusal(self) -> ProviderPaused | None:
        """See `Provider.refusal`."""
        return self._transport.breakers.refusal(self._endpoint)

    async def _open(self, request: ProviderRequest) -> Reply:
        body = await self._body(request)
        while True:
            try:
                encoded = msgspec.json.encode(body)
                return await self._transport.open(self._endpoint, _CHAT, encoded, model=request.model)
            except ProviderError as refusal:
                if not (self._adapt(body, refusal) or _without_pictures(body, request, refusal)):
                    raise

    async def _body(self, request: ProviderRequest) -> dict[str, Any]:
        body = {
            key: value
            for key, value in request.settings.items()
            if key not in _NOT_SETTINGS and value is not None
        }
        body["model"] = request.model
        body["messages"] = [await _message(message) for message in request.messages]
        body["stream"] = True
        if self._takes_stream_options:
            body["stream_options"] = {"include_usage": True}
        return body

    def _adapt(self, body: dict[str, Any], refusal: ProviderError) -> bool:
        """Change what the server refused by name, if there is another way of saying it."""
        if refusal.values.get("upstream_status") not in _REFUSED_PARAMETER:
            return False
        reason = refusal.values["reason"]
        if "stream_options" in reason and body.pop("stream_options", None):
            self._takes_stream_options = False
            return True
        # OpenAI's reasoning models know the limit under its new name only, most other servers the old.
        if "max_completion_tokens" in reason and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
            return True
        return False


async def _message(message: PromptMessage) -> dict[str, Any]:
    text = with_documents(message)
    pictures = [
        {"type": "image_url", "image_url": {"url": _data_url(file.content_type, await file.read())}}
        for file in message.attachments
        if file.read is not None
    ]
    content = [*([{"type": "text", "text": text}] if text else []), *pictures] if pictures else text
    return {"role": message.role, "content": content}


def _data_url(content_type: str, data: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"


def _without_pictures(body: dict[str, Any], request: ProviderRequest, refusal: ProviderError) -> bool:
    """Name the pictures in place of showing them, where a model without eyes refused them."""
    had_pictures = any(isinstance(message["content"], list) for message in body["messages"])
    if not had_pictures or refusal.values.get("upstream_status") not in _REFUSED_PICTURES:
        return False
    if not _ABOUT_PICTURES.search(refusal.values["reason"]):
        return False
    body["messages"] = [
        {"role": message.role, "content": with_documents(message, pictures=False)}
        for message in request.messages
    ]
    return True


def base_url_of(address: str) -> str:
    """The base URL of an address as people paste it: the host alone, with `/v1`, or the full endpoint.

    A path of the provider's own (`/api/paas/v4`, `/compatible-mode/v1`) is kept.
    """
    url = address.strip().rstrip("/").removesuffix(_CHAT).removesuffix(_MODELS).rstrip("/")
    _, separator, rest = url.partition("://")
    return f"{url}/v1" if separator and "/" not in rest else url


def models_in(provider: str, listing: object) -> list[ModelInfo]:
    """The models of a `GET /models` answer; entries without a usable id are left out.

    Raises:
        ProviderInvalidResponse: not a model list. One without models (Ollama says `"data": null`) is one.
    """
    if not isinstance(listing, dict) or not isinstance(listing.get("data", False), list | None):
        raise ProviderInvalidResponse(provider=provider, reason="not a model list")
    models: dict[str, ModelInfo] = {}
    for entry in listing["data"] or ():
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and 0 < len(name) <= _MODEL_ID_LENGTH and name == one_line(name):
            label = entry.get("name")
            traits = said_of(entry)
            models[name] = ModelInfo(
                name,
                one_line(label) if isinstance(label, str) else name,
                traits.context_length,
                traits.capabilities,
            )
    return list(models.values())
