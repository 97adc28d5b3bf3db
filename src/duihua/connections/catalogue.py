"""Which model answers: the user's stored connections, then the operator's, then the offline model."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NamedTuple

from duihua.connections import repository
from duihua.connections.keys import Keys
from duihua.core.errors import AppError
from duihua.db.session import Session
from duihua.models import Connection
from duihua.providers.base import Delta, ModelInfo, Provider, ProviderRequest
from duihua.providers.capabilities import VISION, decided
from duihua.providers.dialects import known_provider, usual_address
from duihua.providers.endpoint import Endpoint, Timeouts
from duihua.providers.errors import ProviderInvalidAddress
from duihua.providers.offline import OFFLINE_MODEL
from duihua.providers.openai import OpenAIProvider, base_url_of
from duihua.providers.registry import Registry, favourite, name_of
from duihua.settings import service as settings

_HOSTED_BY_ANYBODY = {None, "openai", "custom"}


class Answering(NamedTuple):
    """Who answers, under which name it knows the model, and the settings beneath those of the question."""

    provider: Provider
    model: str
    connection_id: int | None = None
    settings: Mapping[str, Any] = {}

    @property
    def is_offline(self) -> bool:
        """Whether no model answers at all."""
        return self.provider.name == OFFLINE_MODEL


class Refusing:
    """A connection that cannot be used: whatever it is asked, it says why."""

    def __init__(self, name: str, reason: AppError) -> None:
        self.name = name
        self.reason = reason

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[Sequence[Delta], None]:
        """See `Provider.stream`."""
        raise self.reason
        yield ()

    async def list_models(self) -> Sequence[ModelInfo]:
        """See `Provider.list_models`."""
        raise self.reason

    def refusal(self) -> AppError:
        """See `Provider.refusal`."""
        return self.reason


def made_of(row: Connection) -> tuple[Any, ...]:
    """Where what speaks to a connection asks, as whom and how patiently."""
    return row.api_key, row.model_url, row.provider, row.timeout


class Catalogue:
    """Finds who answers. `resolve` asks only the database and is called inside units of work."""

    def __init__(self, registry: Registry, keys: Keys) -> None:
        self.registry = registry
        self.keys = keys
        self._providers: dict[int, tuple[tuple[Any, ...], Provider]] = {}

    def resolve(
        self, session: Session, user_id: int, model_id: str | None = None, connection_id: int | None = None
    ) -> Answering:
        """Who answers for `model_id` (None: the user's default model).

        The active connection that `connection/model` or `connection_id` names. Else the first that lists
        the model, or the default one, which may know it; without connections the offline model. The
        operator's lists are there after `Registry.listed`, for which whoever resolves waits.
        """
        stored = {row.id: row for row in repository.active(session, user_id)}
        wanted = model_id or None
        named, model = _split(stored, wanted)
        if named is None and connection_id is not None:
            named = stored.get(connection_id)
        if named is not None:
            return self._asked(session, named, model)
        wanted = wanted or settings.default_model(session, user_id)
        if not stored:
            return Answering(*self.registry.resolve(wanted))
        first = next(iter(stored.values()))
        return self._listing(session, user_id, stored, wanted) or self._asked(session, first, wanted)

    def sees(self, session: Session, answering: Answering) -> bool:
        """Whether to show it pictures: unless the connection's config or its provider says it has no eyes.

        Its name is not enough: a provider that cannot show them refuses, and is asked without.
        """
        told = decided(answering.settings).capabilities
        if told is None and answering.connection_id is not None:
            told = repository.capabilities_of(session, answering.connection_id, answering.model)
        elif told is None:
            told = self.registry.capabilities_of(answering.provider.name, answering.model)
        return told is None or VISION in told

    def provider(self, row: Connection) -> Provider:
        """What speaks to a stored connection; made anew as soon as its address, key or patience changes."""
        known, provider = self._providers.get(row.id, (None, None))
        if provider is None or known != made_of(row):
            provider = self.made(row)
            self._providers[row.id] = (made_of(row), provider)
        return provider

    def made(self, row: Connection) -> Provider:
        """What speaks to a connection, stored or not."""
        name = row.provider or "custom"
        try:
            endpoint = endpoint_of(row, self.keys.open(row.api_key or ""))
        except AppError as reason:
            return Refusing(name, reason)
        return OpenAIProvider(endpoint, self.registry.transport)

    def _listing(
        self, session: Session, user_id: int, stored: Mapping[int, Connection], wanted: str | None
    ) -> Answering | None:
        if wanted is None:
            return None
        if wanted == OFFLINE_MODEL:
            return Answering(self.registry.offline, OFFLINE_MODEL)
        named, model = _split(stored, wanted)
        if named is not None:
            return self._asked(session, named, model)
        owner = repository.offering(session, user_id, wanted)
        if owner is not None:
            return self._asked(session, stored[owner], wanted)
        operators = self.registry.listing(wanted) or self.registry.prefixed(wanted)
        return Answering(*operators) if operators else None

    def _asked(self, session: Session, row: Connection, model: str | None) -> Answering:
        model = model or row.model_name
        if not model:
            model = favourite([listed.id for listed in repository.listed(session, [row.id])[row.id]])
        limit = {} if row.max_tokens is None else {"max_tokens": row.max_tokens}
        return Answering(self.provider(row), model, row.id, {**limit, **(row.config or {})})


def endpoint_of(row: Connection, api_key: str) -> Endpoint:
    """Where a connection's requests go.

    Raises:
        ProviderInvalidAddress: with the name of the provider and what is wrong.
    """
    known = known_provider(row.provider) if row.provider else None
    usual = usual_address(known) if known else None
    address = (row.model_url or "").strip() or usual
    if address is None:
        raise ProviderInvalidAddress(provider=row.provider or "custom", reason="the base URL is missing")
    base_url = base_url_of(address)
    is_elsewhere = known in _HOSTED_BY_ANYBODY and base_url != usual
    name = name_of(base_url) if is_elsewhere or known is None else known
    return Endpoint(name, base_url, api_key, timeouts=_timeouts(row.timeout))


def _split(stored: Mapping[int, Connection], wanted: str | None) -> tuple[Connection | None, str | None]:
    """`3/model` as connection 3, if there is one, and `model`; any other name is a model's alone."""
    prefix, _, model = (wanted or "").partition("/")
    if model and prefix.isascii() and prefix.isdigit() and int(prefix) in stored:
        return stored[int(prefix)], model
    return None, wanted


def _timeouts(seconds: int | None) -> Timeouts:
    if seconds is None:
        return Timeouts()
    usual = Timeouts()
    return Timeouts(connect=min(usual.connect, seconds), first_byte=seconds, idle=seconds)
