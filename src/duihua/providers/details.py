"""What the model servers of one's own machine tell of their models beside the OpenAI-compatible list."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from duihua.providers.base import ModelInfo
from duihua.providers.capabilities import Traits, capabilities_in, said_of
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import ProviderError
from duihua.providers.transport import Transport

SECONDS = 2.0
# Of a longer list, the rest is known by its names.
_MOST_ASKED = 100
_AT_ONCE = 8

_Found = Mapping[str, Traits]
_Ask = Callable[[Transport, Endpoint, Sequence[str]], Awaitable[_Found]]


async def completed(
    transport: Transport, endpoint: Endpoint, listing: object, models: Sequence[ModelInfo]
) -> list[ModelInfo]:
    """`models` of this `listing`, with what their server says of them elsewhere, where it says anything."""
    ask = _ASKED.get(_kind(endpoint.provider, listing))
    found: _Found = {}
    if ask is not None and models:
        # An older server, or another one behind the same name: its list stands.
        with suppress(ProviderError):
            found = await ask(transport, endpoint.at_root(), [model.id for model in models])
    return [_with(model, found.get(model.id, Traits())) for model in models]


def _with(model: ModelInfo, traits: Traits) -> ModelInfo:
    merged = traits.or_else(Traits(model.capabilities, model.context_length))
    return msgspec.structs.replace(
        model, capabilities=merged.capabilities, context_length=merged.context_length
    )


def _kind(provider: str, listing: object) -> str:
    """Which server it is: by the connection's name, else by whom it says its models are owned."""
    if provider in _ASKED:
        return provider
    entries = listing.get("data") if isinstance(listing, dict) else None
    first = entries[0] if isinstance(entries, list) and entries else None
    owner = first.get("owned_by") if isinstance(first, dict) else None
    return _OWNERS.get(owner, "") if isinstance(owner, str) else ""


async def _ollama(transport: Transport, root: Endpoint, names: Sequence[str]) -> _Found:
    room = asyncio.Semaphore(_AT_ONCE)

    async def show(name: str) -> Traits:
        async with room:
            try:
                body = msgspec.json.encode({"model": name})
                said = await transport.get_json(root, "/api/show", seconds=SECONDS, body=body)
            except ProviderError:
                return Traits()
        return _shown(said) if isinstance(said, dict) else Traits()

    asked = names[:_MOST_ASKED]
    return dict(zip(asked, await asyncio.gather(*map(show, asked)), strict=True))


def _shown(said: Mapping[str, Any]) -> Traits:
    info = said.get("model_info")
    lengths = info.items() if isinstance(info, dict) else ()
    length = next((value for key, value in lengths if key.endswith(".context_length")), None)
    return said_of({"capabilities": said.get("capabilities"), "context_length": length})


async def _lm_studio(transport: Transport, root: Endpoint, names: Sequence[str]) -> _Found:
    said = await transport.get_json(root, "/api/v0/models", seconds=SECONDS)
    entries = said.get("data") if isinstance(said, dict) else None
    known = [entry for entry in entries or () if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {entry["id"]: said_of(entry) for entry in known if entry.get("id") in names}


async def _llama_cpp(transport: Transport, root: Endpoint, names: Sequence[str]) -> _Found:
    said = await transport.get_json(root, "/props", seconds=SECONDS)
    if not isinstance(said, dict) or len(names) != 1:
        return {}
    settings = said.get("default_generation_settings")
    length = settings.get("n_ctx") if isinstance(settings, dict) else None
    can = {**_mapping(said.get("chat_template_caps")), **_mapping(said.get("modalities"))}
    words = [word for word, is_so in can.items() if is_so is True]
    capabilities = capabilities_in(words) if can else None
    return {names[0]: Traits(capabilities, said_of({"context_length": length}).context_length)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_ASKED: dict[str, _Ask] = {"ollama": _ollama, "lmstudio": _lm_studio, "llama.cpp": _llama_cpp}
_OWNERS = {"library": "ollama", "organization_owner": "lmstudio", "llamacpp": "llama.cpp"}
