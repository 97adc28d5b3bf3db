"""`/health`: the process lives. `/ready`: what it depends on answers."""

from fastapi import APIRouter
from starlette.responses import Response

from duihua.db.session import alive
from duihua.http.envelope import Answer
from duihua.http.state import BusState, Db

router = APIRouter(tags=["operation"])


@router.get("/health")
async def health() -> Response:
    """Live: the process answers."""
    return Answer({"status": "ok"})


@router.get("/ready")
async def ready(db: Db, bus: BusState) -> Response:
    """Ready: the database answers. 503 where it does not. Without Redis all goes on, a little later."""
    await db.read(alive)
    redis = "not used" if bus == "local" else bus
    return Answer({"status": "ok", "database": db.dialect, "redis": redis})
