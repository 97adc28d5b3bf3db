"""Which models can be chosen: what every connection lists, anew once a minute; and whether one answers."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from duihua.connections import repository, service
from duihua.connections.asking import Asked, ask, ask_directly
from duihua.connections.catalogue import Answering, Catalogue, made_of
from duihua.core.clock import now
from duihua.core.errors import AppError
from duihua.core.i18n import Language, messages_of, translate
from duihua.db.session import Database, Session
from duihua.providers.base import ModelInfo, PromptMessage, Provider
from duihua.providers.capabilities import Traits, decided
from duihua.providers.discovery import is_chat_model
from duihua.providers.registry import Source, favourite, offered
from duihua.providers.unavailable import why
from duihua.schemas.connection import ConnectionTest, ModelQuery, ModelTest

_FRESH = timedelta(seconds=60)
_NEVER = datetime.min.replace(tzinfo=UTC)
_ACTIVE, _INACTIVE = "active", "connection_inactive"

messages_of({f"unavailable_{_INACTIVE}": ("连接已停用", "Its connection is switched off")})


class _Offering(NamedTuple):
    """A stored connection, what it last listed, and whether that has aged; `asked_with`: see `made_of`."""

    id: int
    provider: Provider
    asked_with: tuple[Any, ...]
    status: str
    model_name: str | None
    decided: Traits
    models: list[ModelInfo]
    is_old: bool


async def available(
    db: Database, catalogue: Catalogue, user_id: int, query: ModelQuery, language: Language
) -> list[dict[str, Any]]:
    """`ModelResponse`s: the chat models of the user's connections, then the operator's; else the offline one.

    A provider that cannot be asked keeps what it last listed, and its models say why. Last come the models of
    connections that are switched off: of two of one name, the one that answers has it bare.
    """
    stored = await db.read(_stored, user_id, catalogue, query.active_only)
    asked = await asyncio.gather(*(_refreshed(db, user_id, offering) for offering in stored))
    answers = list(zip(stored, asked, strict=True))
    on = [_source(*told) for told in answers if told[0].status == _ACTIVE]
    off = [_source(*told) for told in answers if told[0].status != _ACTIVE]
    on += await catalogue.registry.sources()
    sources = [*(on or [catalogue.registry.offline_source()]), *off]
    statuses = {offering.id: offering.status for offering in stored}
    errors = {offering.id: failure.code for offering, (_, failure) in answers if failure}
    return [
        {
            "id": model.id,
            "model_id": model.model,
            "name": model.name,
            "provider": model.provider,
            "status": statuses.get(model.connection_id or 0, _ACTIVE),
            "api_key_id": model.connection_id,
            "capabilities": ["chat", *model.capabilities],
            "context_length": model.context_length,
            "error": errors.get(model.connection_id or 0),
            "unavailable": model.unavailable,
            "unavailable_message": _sentence(model.unavailable, language),
        }
        for model in offered(sources)
        if query.provider in {None, model.provider}
    ]


def _source(offering: _Offering, answer: tuple[list[ModelInfo], AppError | None]) -> Source:
    models, failure = answer
    is_on = offering.status == _ACTIVE
    return Source(
        str(offering.id),
        offering.provider.name,
        _chosen_from(offering, models),
        offering.id,
        offering.decided,
        why(offering.provider, failure) if is_on else _INACTIVE,
    )


def _sentence(code: str | None, language: Language) -> str | None:
    return translate(f"unavailable_{code}", language) if code else None


def _stored(session: Session, user_id: int, catalogue: Catalogue, active_only: bool) -> list[_Offering]:
    rows = repository.active(session, user_id) if active_only else repository.every(session, user_id)
    listed = repository.listed(session, [row.id for row in rows])
    return [
        _Offering(
            row.id,
            catalogue.provider(row),
            made_of(row),
            row.status,
            row.model_name,
            decided(row.config or {}),
            listed[row.id],
            row.status == _ACTIVE and (row.models_listed_at or _NEVER) < now() - _FRESH,
        )
        for row in rows
    ]


async def _refreshed(
    db: Database, user_id: int, offering: _Offering
) -> tuple[list[ModelInfo], AppError | None]:
    """The models, and the error where they are those of the last time."""
    if not offering.is_old:
        return offering.models, None
    try:
        models = list(await offering.provider.list_models())
    except AppError as failure:
        return offering.models, failure
    await db.write(_keep, user_id, offering, models)
    return models, None


def _keep(session: Session, user_id: int, offering: _Offering, models: list[ModelInfo]) -> None:
    row = repository.find(session, user_id, offering.id, lock=True)
    # Whoever was asked may be at an address that the connection has no more.
    if row is not None and made_of(row) == offering.asked_with:
        repository.keep_list(session, row, models, now())


def _chosen_from(offering: _Offering, models: list[ModelInfo]) -> list[ModelInfo]:
    """The chat models, and the one that the user named, listed or not."""
    named = offering.model_name
    chat = [model for model in models if is_chat_model(model.id) or model.id == named]
    is_missing = named and all(model.id != named for model in chat)
    return [ModelInfo(named, named), *chat] if named and is_missing else chat


async def test_model(
    db: Database, catalogue: Catalogue, user_id: int, wanted: ModelTest, language: Language
) -> dict[str, Any]:
    """Ask a model something; a `TestResponse`."""
    question = [PromptMessage("user", wanted.test_message)]
    asking = ask(db, catalogue, user_id, question, model_id=wanted.model_id, seconds=60)
    return await timed(asking, language, wanted.model_id)


async def test_connection(
    db: Database, catalogue: Catalogue, user_id: int, wanted: ConnectionTest, language: Language
) -> dict[str, Any]:
    """Ask a connection something; a `TestResponse`. Raises ConnectionNotFound, InvalidInput."""
    row = await db.read(service.tried, user_id, catalogue.keys, wanted)
    provider = catalogue.made(row)

    async def asking() -> Asked:
        model = row.model_name or favourite([model.id for model in await provider.list_models()])
        limit = {} if row.max_tokens is None else {"max_tokens": row.max_tokens}
        answering = Answering(provider, model, None, {**limit, **(row.config or {})})
        question = [PromptMessage("user", wanted.test_message)]
        return await ask_directly(answering, question, seconds=60, insists=True)

    return await timed(asking(), language, row.model_name)


async def timed(asking: Awaitable[Asked], language: Language, model_id: str | None) -> dict[str, Any]:
    """Wait for an answer; a `TestResponse`, whether it came or not."""
    started = time.perf_counter()
    try:
        asked = await asking
    except AppError as failure:
        return {
            "success": False,
            "message": translate(failure.code, language, **failure.values),
            "error": failure.code,
            "reply": None,
            "model_id": model_id,
            "response_time": round(time.perf_counter() - started, 3),
        }
    return {
        "success": True,
        "message": translate("model_answers", language),
        "error": None,
        "reply": asked.text,
        "model_id": asked.model,
        "response_time": round(asked.seconds, 3),
    }
