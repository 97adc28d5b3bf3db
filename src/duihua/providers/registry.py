"""The connected providers, and which of them answers for a model."""

import asyncio
import logging
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from duihua.providers.base import ModelInfo, Provider
from duihua.providers.capabilities import Traits, traits_of
from duihua.providers.dialects import OPENAI_BASE_URL
from duihua.providers.discovery import LOCAL_SERVERS, LocalServer, discover, is_chat_model
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import ProviderError
from duihua.providers.offline import OFFLINE_MODEL, OfflineProvider
from duihua.providers.openai import OpenAIProvider, base_url_of
from duihua.providers.transport import Transport
from duihua.providers.unavailable import why

# Good and inexpensive, in this order, where a provider offers many and the operator has named none.
PREFERRED_MODELS = ("gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini", "deepseek-chat", "qwen-plus")
_FRESH_SECONDS = 60.0
# Shorter than a server that stops waits for requests, and than a client is to wait that comes back.
_LISTED_SECONDS = 1.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_log = logging.getLogger(__name__)


class OfferedModel(msgspec.Struct, frozen=True):
    """A model that can be chosen: `id` is what `resolve` takes, `model` what the provider calls it."""

    id: str
    model: str
    name: str
    provider: str
    context_length: int | None = None
    connection_id: int | None = None
    capabilities: tuple[str, ...] = ()
    unavailable: str | None = None


class Source(NamedTuple):
    """A connection as a list of models shows it: `prefix` tells its models from others of the same id.

    `decided` is what a person decided of all of them, `unavailable` the code of why none can answer.
    """

    prefix: str
    provider: str
    models: Sequence[ModelInfo]
    connection_id: int | None = None
    decided: Traits = Traits()
    unavailable: str | None = None


def offered(sources: Iterable[Source]) -> list[OfferedModel]:
    """The models of all `sources`; where an earlier one has the same, the id is `prefix/model`."""
    found: dict[str, OfferedModel] = {}
    for source in sources:
        for model in source.models:
            unique = f"{source.prefix}/{model.id}" if model.id in found else model.id
            traits = source.decided.or_else(traits_of(model))
            found[unique] = OfferedModel(
                unique,
                model.id,
                model.name,
                source.provider,
                traits.context_length,
                source.connection_id,
                traits.capabilities or (),
                source.unavailable,
            )
    return list(found.values())


def favourite(model_ids: Collection[str]) -> str:
    """The model to take of these when nobody chose one."""
    preferred = (model for model in PREFERRED_MODELS if model in model_ids)
    # A provider that lists nothing is asked for something: its own error tells more than silence.
    return next(preferred, next(filter(is_chat_model, model_ids), PREFERRED_MODELS[0]))


class _Connection:
    """A provider and the models it last listed, by id."""

    def __init__(self, provider: Provider, models: Sequence[ModelInfo] | None) -> None:
        self.provider = provider
        self.models = {model.id: model for model in models or ()}
        # Why it told no models when it was asked last.
        self.failure: ProviderError | None = None
        self._fresh_until = 0.0 if models is None else time.monotonic() + _FRESH_SECONDS
        self._asking = asyncio.Lock()

    async def refresh(self) -> None:
        """List the models anew if the list has aged; a provider that does not answer keeps its last."""
        async with self._asking:
            if time.monotonic() < self._fresh_until:
                return
            try:
                models = await self.provider.list_models()
            except ProviderError as failure:
                _log.info("no model list from %s: %s", self.provider.name, failure)
                self.failure = failure
            else:
                self.failure = None
                self.models = {model.id: model for model in models}
            self._fresh_until = time.monotonic() + _FRESH_SECONDS


class Registry:
    """The connections in order, the first being the default one; the offline model is always there."""

    def __init__(
        self, transport: Transport, *, default_model: str | None = None, servers: Sequence[LocalServer] = ()
    ) -> None:
        """`servers` are looked for on this machine by `start`."""
        self.transport = transport
        self.offline = OfflineProvider()
        self._wanted_default = (default_model or "").strip()
        self._servers = servers
        self._connections: dict[str, _Connection] = {}
        self._starting: asyncio.Task[None] | None = None

    def add(self, provider: Provider, models: Sequence[ModelInfo] | None = None) -> None:
        """Connect `provider` behind the others, under its name; `models` is its list if it is known."""
        self._connections[provider.name] = _Connection(provider, models)

    @property
    def default_model(self) -> str:
        """The model for those who chose none: the configured one, or the first connection's, or offline."""
        if self._wanted_default:
            return self._wanted_default
        first = next(iter(self._connections.values()), None)
        return OFFLINE_MODEL if first is None else favourite(first.models)

    def connected(self) -> list[tuple[str, int]]:
        """The connections in order: name, and how many models it lists."""
        return [(name, len(connection.models)) for name, connection in self._connections.items()]

    def resolve(self, model_id: str | None) -> tuple[Provider, str]:
        """The provider that answers for `model_id` (None: the default model), and its name for the model.

        A model of any connection, or `connection/model`; one that no connection lists is asked of the
        default connection, which may know it; without connections the offline model answers.
        """
        wanted = model_id or self.default_model
        if wanted == OFFLINE_MODEL or not self._connections:
            return self.offline, OFFLINE_MODEL
        first = next(iter(self._connections.values()))
        return self.listing(wanted) or self.prefixed(wanted) or (first.provider, wanted)

    def listing(self, model_id: str) -> tuple[Provider, str] | None:
        """As `resolve`, where a connection lists exactly this model."""
        for connection in self._connections.values():
            if model_id in connection.models:
                return connection.provider, model_id
        return None

    def prefixed(self, model_id: str) -> tuple[Provider, str] | None:
        """As `resolve`, for a `connection/model` of one of the connections."""
        name, _, model = model_id.partition("/")
        if model and name in self._connections:
            return self._connections[name].provider, model
        return None

    def capabilities_of(self, provider: str, model_id: str) -> tuple[str, ...] | None:
        """What a provider of these last told of a model; None where it told nothing."""
        connection = self._connections.get(provider)
        model = connection.models.get(model_id) if connection else None
        return model.capabilities if model else None

    async def models(self) -> list[OfferedModel]:
        """The chat models of all connections, listed anew once a minute; without any, the offline one."""
        return offered(await self.sources() or [self.offline_source()])

    async def sources(self) -> list[Source]:
        """The connections with their chat models, listed anew once a minute."""
        await self.started()
        await asyncio.gather(*(connection.refresh() for connection in self._connections.values()))
        return [
            Source(
                name,
                name,
                [model for model in connection.models.values() if is_chat_model(model.id)],
                unavailable=why(connection.provider, connection.failure),
            )
            for name, connection in self._connections.items()
        ]

    def offline_source(self) -> Source:
        """The offline model, as what there is without any connection."""
        return Source(OFFLINE_MODEL, self.offline.name, [ModelInfo(OFFLINE_MODEL, OFFLINE_MODEL)])

    def start(self) -> None:
        """Begin, in the background of the running loop, to list models and to look for local servers."""
        self._starting = asyncio.create_task(self._start())

    async def started(self) -> None:
        """Wait until that has been done once."""
        if self._starting is not None:
            await asyncio.wait({self._starting})

    async def listed(self) -> None:
        """The same, but for a second at most: who is asked before may not be who offers the model."""
        if self._starting is not None and not self._starting.done():
            await asyncio.wait({self._starting}, timeout=_LISTED_SECONDS)

    async def close(self) -> None:
        """Stop looking, close every connection."""
        if self._starting is not None:
            self._starting.cancel()
            with suppress(asyncio.CancelledError):
                await self._starting
        await self.transport.close()

    async def _start(self) -> None:
        async with asyncio.TaskGroup() as group:
            for connection in self._connections.values():
                group.create_task(connection.refresh())
            for provider, models in await discover(self.transport, self._servers):
                if any(is_chat_model(model.id) for model in models):
                    self.add(provider, models)


def connect(
    *,
    openai_api_key: str | None = None,
    openai_base_url: str | None = None,
    default_model: str | None = None,
    own_port: int | None = None,
    servers: Sequence[LocalServer] = LOCAL_SERVERS,
) -> Registry:
    """The registry for a configuration; it answers at once (`start` then looks for more).

    A key or a base URL makes the environment's connection, named after its host. `own_port` is where
    this program listens, and not a model server.

    Raises:
        ProviderInvalidAddress: the base URL or the key cannot be used.
    """
    key, address = (openai_api_key or "").strip(), (openai_base_url or "").strip()
    taken = {own_port}
    endpoint = None
    if key or address:
        base_url = base_url_of(address or OPENAI_BASE_URL)
        endpoint = Endpoint(name_of(base_url), base_url, key)
        taken.add(_loopback_port(base_url))
    free = [server for server in servers if server.port not in taken]
    registry = Registry(Transport(), default_model=default_model, servers=free)
    if endpoint is not None:
        registry.add(OpenAIProvider(endpoint, registry.transport))
    return registry


def name_of(base_url: str) -> str:
    """What to call whoever answers at an address: its host."""
    # Not parsed as a URL: the name is wanted for the error too that says it is none.
    host = base_url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return "openai" if f"https://{host}/v1" == OPENAI_BASE_URL else host or "OPENAI_BASE_URL"


def _loopback_port(base_url: str) -> int | None:
    parts = urlsplit(base_url)
    return parts.port if parts.hostname in _LOOPBACK else None
