"""`/metrics`."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from duihua.metrics import families
from duihua.metrics.exposition import CONTENT_TYPE, render

router = APIRouter(tags=["operation"])
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus' text format (docs/operation.md)",
        "content": {CONTENT_TYPE: {"schema": {"type": "string"}}},
    }
}


@router.get("/metrics", response_class=Response, responses=_PAGE)
async def metrics(request: Request) -> Response:
    """What this process has done since it started, for Prometheus; of several workers, the one asked."""
    state = request.app.state
    page = render(
        [
            *families.of_requests(state.requests),
            *families.of_generations(state.engine),
            *families.of_streams(state.engine, state.live),
            *families.of_database(state.database),
            *families.of_process(),
        ]
    )
    return Response(page, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})
