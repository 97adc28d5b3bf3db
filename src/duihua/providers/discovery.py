"""Model servers on this machine, found by asking the ports where they usually listen."""

import asyncio
import re
from collections.abc import Sequence
from typing import NamedTuple

from duihua.providers.base import ModelInfo
from duihua.providers.details import completed
from duihua.providers.endpoint import Endpoint, Timeouts
from duihua.providers.errors import ProviderError
from duihua.providers.openai import OpenAIProvider, models_in
from duihua.providers.transport import Transport

PROBE_SECONDS = 0.5
_NOT_FOR_CHAT = {
    *("embed", "embedding", "embeddings", "bge", "gte", "e5", "minilm", "rerank", "reranker"),
    *("whisper", "transcribe", "paraformer", "tts", "speech", "audio", "realtime", "cosyvoice", "kokoro"),
    *("image", "dall", "diffusion", "sdxl", "flux", "sora", "wanx", "moderation", "guard"),
    *("babbage", "davinci"),
}


class LocalServer(NamedTuple):
    """A kind of model server and the port it listens on if nobody says otherwise."""

    name: str
    port: int


LOCAL_SERVERS = (
    LocalServer("ollama", 11434),
    LocalServer("llama.cpp", 8080),
    LocalServer("lmstudio", 1234),
    LocalServer("vllm", 8000),
)


class Found(NamedTuple):
    """A server that answered, with the models it has now."""

    provider: OpenAIProvider
    models: Sequence[ModelInfo]


async def discover(
    transport: Transport, servers: Sequence[LocalServer] = LOCAL_SERVERS, *, seconds: float = PROBE_SECONDS
) -> list[Found]:
    """Ask all `servers` on loopback at once; those with a proper model list, in the order given.

    Takes at most about twice `seconds`; a port where nothing listens costs no HTTP client.
    """
    answers = await asyncio.gather(*(_probe(transport, server, seconds) for server in servers))
    return [found for found in answers if found is not None]


def is_chat_model(model_id: str) -> bool:
    """Whether a model is one to talk to, as far as its name tells."""
    return _NOT_FOR_CHAT.isdisjoint(re.split(r"[^a-z0-9]+", model_id.lower()))


async def _probe(transport: Transport, server: LocalServer, seconds: float) -> Found | None:
    if not await _listens(server.port, seconds):
        return None
    base_url = f"http://127.0.0.1:{server.port}/v1"
    probe = Endpoint(server.name, base_url, timeouts=Timeouts(connect=seconds))
    try:
        listing = await transport.get_json(probe, "/models", seconds=seconds)
        models = await completed(transport, probe, listing, models_in(server.name, listing))
    except ProviderError:
        return None
    return Found(OpenAIProvider(Endpoint(server.name, base_url), transport), models)


async def _listens(port: int, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.transport.abort()
    return True
