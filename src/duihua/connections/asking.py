"""One question to a user's model, of which nothing is stored: tests, titles."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from duihua.connections.catalogue import Answering, Catalogue
from duihua.core.errors import Conflict
from duihua.db.session import Database
from duihua.providers.base import PromptMessage, ProviderRequest, Usage
from duihua.providers.errors import ProviderTimeout

# Nobody watches this answer being written.
_AT_ONCE = {"offline": {"rate": 0}}


class NoModelConnected(Conflict):
    """Only the offline model would answer."""

    code = "no_model_connected"


class Asked(NamedTuple):
    """An answer: its whole text, what it used where the provider told, and how long it took in seconds."""

    text: str
    usage: Usage | None
    seconds: float
    first_token_seconds: float
    provider: str
    model: str
    connection_id: int | None


async def ask(  # noqa: PLR0913 - one question has this many sides
    db: Database,
    catalogue: Catalogue,
    user_id: int,
    messages: Sequence[PromptMessage],
    *,
    model_id: str | None = None,
    connection_id: int | None = None,
    settings: Mapping[str, Any] | None = None,
    seconds: float = 30.0,
    offline: bool = True,
) -> Asked:
    """Ask the model that would answer a conversation with this `model_id` and connection.

    `settings` are over those of the connection; the whole answer must be there within `seconds`. With
    `offline=False` a real model is needed.

    Raises:
        ProviderError: as a reply would end with, ProviderTimeout at the deadline.
        KeyUnreadable: the connection's key.
        NoModelConnected: with `offline=False`.
    """
    await catalogue.registry.listed()
    answering = await db.read(catalogue.resolve, user_id, model_id, connection_id)
    if answering.is_offline and not offline:
        raise NoModelConnected
    return await ask_directly(answering, messages, settings=settings, seconds=seconds)


async def ask_directly(
    answering: Answering,
    messages: Sequence[PromptMessage],
    *,
    settings: Mapping[str, Any] | None = None,
    seconds: float = 30.0,
    most_chars: int | None = None,
    insists: bool = False,
) -> Asked:
    """As `ask`, of somebody who is found already. Nobody waits for what comes beyond `most_chars`."""
    given = {**_AT_ONCE, **answering.settings, **(settings or {})}
    request = ProviderRequest(answering.model, messages, given, insists)
    started = time.perf_counter()
    first: float | None = None
    text: list[str] = []
    usage: Usage | None = None
    try:
        async with asyncio.timeout(seconds), aclosing(answering.provider.stream(request)) as batches:
            async for deltas in batches:
                for delta in deltas:
                    if first is None and (delta.text or delta.reasoning):
                        first = time.perf_counter() - started
                    text.append(delta.text)
                    usage = delta.usage or usage
                if most_chars is not None and sum(map(len, text)) > most_chars:
                    break
    except TimeoutError:
        reason = f"not complete within {seconds:g} s"
        raise ProviderTimeout(provider=answering.provider.name, reason=reason) from None
    took = time.perf_counter() - started
    return Asked(
        text="".join(text),
        usage=usage,
        seconds=took,
        first_token_seconds=took if first is None else first,
        provider=answering.provider.name,
        model=answering.model,
        connection_id=answering.connection_id,
    )
