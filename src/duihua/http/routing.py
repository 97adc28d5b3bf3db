"""Routers whose routes read JSON strictly and document their errors."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from duihua.core.errors import UnsupportedMediaType
from duihua.http.body import StrictRequest
from duihua.schemas.base import ErrorEnvelope


class ApiRoute(APIRoute):
    """A route behind `StrictRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler: JSON routes refuse other content types (also a cross-site form's text/plain).

        Their body is read here, so that FastAPI does not answer in our place what is wrong with it.
        """
        handler = super().get_route_handler()
        takes_json = self.body_field is not None

        async def strict(request: Request) -> Response:
            checked = StrictRequest(request.scope, request.receive)
            if takes_json:
                _require_json(request)
                await checked.body()
            return await handler(checked)

        return strict


def _require_json(request: Request) -> None:
    if "transfer-encoding" not in request.headers and request.headers.get("content-length", "0") == "0":
        return  # Many clients name some type also where they send nothing.
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json" and not declared.endswith("+json"):
        raise UnsupportedMediaType


_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorEnvelope, "description": description}
    for status, description in {
        400: "It cannot be done to this thing",
        404: "It does not exist, or it is somebody else's",
        409: "It contradicts the present state",
        413: "Larger than the configured limit",
        415: "The body is not JSON",
        422: "Malformed; `detail` lists the fields",
        503: "Not now; see Retry-After",
    }.items()
}


def feature_router(prefix: str, tag: str) -> APIRouter:
    """A router for one feature, with the errors that any of its routes may answer."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=ApiRoute, responses=_ERRORS)
