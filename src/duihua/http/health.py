"""`/health`: the process lives. `/ready`: what it depends on answers."""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from duihua.db.errors import StorageUnavailable
from duihua.db.session import alive
from duihua.http.envelope import Answer
from duihua.http.state import BusState, Db
from duihua.schemas.base import Envelope, ErrorEnvelope
from duihua.schemas.health import HealthResponse, ReadyResponse

# A database that takes longer for one SELECT is not ready, whatever it is doing.
PATIENCE_SECONDS = 3.0
router = APIRouter(tags=["operation"])
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ErrorEnvelope, "description": "The database does not answer"}
}


@router.get("/health", response_model=Envelope[HealthResponse])
async def health() -> Response:
    """Live: the process answers."""
    return Answer({"status": "ok"})


@router.get("/ready", response_model=Envelope[ReadyResponse], responses=_NOT_READY)
async def ready(db: Db, bus: BusState) -> Response:
    """Ready: the database answers. 503 where it does not. Without Redis all goes on, a little later."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await db.read(alive)
    except TimeoutError as error:
        raise StorageUnavailable(retry_after=1) from error
    redis = "not used" if bus == "local" else bus
    return Answer({"status": "ok", "database": db.dialect, "redis": redis})
