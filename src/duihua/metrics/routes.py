"""`/metrics`."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from duihua.metrics import families
from duihua.metrics.exposition import CONTENT_TYPE, render
from duihua.metrics.workers import Workers

router = APIRouter(tags=["operation"])
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus' text format (docs/operation.md)",
        "content": {CONTENT_TYPE: {"schema": {"type": "string"}}},
    }
}


@router.get("/metrics", response_class=Response, responses=_PAGE)
async def metrics(request: Request) -> Response:
    """What this server has done since it started, for Prometheus; of several workers, each by its number."""
    state = request.app.state
    workers: Workers | None = getattr(state, "workers", None)
    told = families.of_server(state) if workers is None else await workers.families()
    return Response(render(told), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})
