"""`/chat/api-keys` and `/chat/models`."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.connections import offering, service
from duihua.connections.dependencies import AppCatalogue
from duihua.http.envelope import Answer, RequestLanguage
from duihua.http.idempotency import Retry, ask_once, write_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.schemas.base import Envelope, ItemsResponse
from duihua.schemas.connection import (
    ConnectionBatch,
    ConnectionBatchDeletion,
    ConnectionBatchStatus,
    ConnectionBatchUpdate,
    ConnectionCreate,
    ConnectionQuery,
    ConnectionResponse,
    ConnectionTest,
    ConnectionUpdate,
    ModelQuery,
    ModelResponse,
    ModelTest,
    TestResponse,
)

router = feature_router("/chat/api-keys", "model connections")
models = feature_router("/chat/models", "models")
ConnectionId = Annotated[int, Path(ge=1, le=2**63 - 1)]
# The fixed paths come first: /batch and /list are no ids.


@router.get("/list", response_model=Envelope[ItemsResponse[ConnectionResponse]])
async def list_connections(
    db: Db, user: User, catalogue: AppCatalogue, query: Annotated[ConnectionQuery, Query()]
) -> Response:
    """A page of connections: the oldest, which is the default one, first."""
    return Answer(await db.read(service.listing, user.id, catalogue.keys, query))


@router.post("", response_model=Envelope[ConnectionResponse])
async def create_connection(
    db: Db, user: User, catalogue: AppCatalogue, retry: Retry, new: ConnectionCreate
) -> Response:
    """Store a provider's address and key. The key is encrypted and never shown again."""
    return Answer(await write_once(db, user.id, retry, service.create, catalogue.keys, new), "created")


@router.put("", response_model=Envelope[ConnectionResponse])
async def update_connection(
    db: Db, user: User, catalogue: AppCatalogue, wanted: ConnectionUpdate
) -> Response:
    """Change what is named; an explicit null clears, a masked key leaves the stored one."""
    return Answer(await db.write(service.change, user.id, catalogue.keys, wanted), "updated")


@router.delete("/batch", response_model=Envelope[ConnectionBatchDeletion])
async def delete_connections(db: Db, user: User, batch: ConnectionBatch) -> Response:
    """Delete several; `missing` lists those that were not there."""
    return Answer(await db.write(service.delete_many, user.id, batch.ids), "deleted")


@router.put("/batch/status", response_model=Envelope[ConnectionBatchUpdate])
async def switch_connections(db: Db, user: User, batch: ConnectionBatchStatus) -> Response:
    """Switch several on or off; `missing` lists those that were not there."""
    return Answer(await db.write(service.set_status, user.id, batch.ids, batch.status), "updated")


@router.post("/test", response_model=Envelope[TestResponse])
async def test_connection(
    db: Db,
    user: User,
    catalogue: AppCatalogue,
    language: RequestLanguage,
    retry: Retry,
    wanted: ConnectionTest,
) -> Response:
    """Ask something of a connection, stored or not; nothing is stored."""
    return Answer(
        await ask_once(
            db, user.id, retry, lambda: offering.test_connection(db, catalogue, user.id, wanted, language)
        )
    )


@router.get("/{connection_id}", response_model=Envelope[ConnectionResponse])
async def get_connection(
    db: Db, user: User, catalogue: AppCatalogue, connection_id: ConnectionId
) -> Response:
    """One connection."""
    return Answer(await db.read(service.one, user.id, catalogue.keys, connection_id))


@router.delete("/{connection_id}", response_model=Envelope[None])
async def delete_connection(db: Db, user: User, connection_id: ConnectionId) -> Response:
    """Delete a connection: nothing is asked of it any more."""
    await db.write(service.delete, user.id, connection_id)
    return Answer(None, "deleted")


@models.get("/available", response_model=Envelope[list[ModelResponse]])
async def available_models(
    db: Db,
    user: User,
    catalogue: AppCatalogue,
    language: RequestLanguage,
    query: Annotated[ModelQuery, Query()],
) -> Response:
    """The models that can be chosen, as their providers list them; asked anew once a minute."""
    return Answer(await offering.available(db, catalogue, user.id, query, language))


@models.post("/test", response_model=Envelope[TestResponse])
async def test_model(
    db: Db, user: User, catalogue: AppCatalogue, language: RequestLanguage, retry: Retry, wanted: ModelTest
) -> Response:
    """Ask something of the model that would answer; nothing is stored."""
    return Answer(
        await ask_once(
            db, user.id, retry, lambda: offering.test_model(db, catalogue, user.id, wanted, language)
        )
    )
