"""Every error, in the envelope."""

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from duihua.core.errors import AppError, InvalidInput
from duihua.core.i18n import translate
from duihua.http.envelope import scope_language
from duihua.http.field_errors import describe, phrase

log = structlog.get_logger()

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def error_response(scope: Scope, error: AppError) -> Response:
    """The answer to `error`."""
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    values, detail = error.values, None
    if isinstance(error, InvalidInput):
        values = values | {"reason": phrase(values["reason"], scope_language(scope))}
        detail = [{"loc": values["field"].split("."), "msg": values["reason"], "type": error.code}]
    return _response(scope, error.status, error.code, values, headers=headers, detail=detail)


def _response(
    scope: Scope,
    status: int,
    code: str,
    values: dict[str, Any],
    *,
    headers: dict[str, str],
    detail: Sequence[dict[str, Any]] | None = None,
) -> Response:
    sentence = translate(code, scope_language(scope), **values)
    body: dict[str, Any] = {"code": status, "message": sentence, "msg": sentence, "data": None, "error": code}
    body["request_id"] = scope.get("state", {}).get("request_id", "")
    if detail is not None:
        body["detail"] = detail
    return Response(msgspec.json.encode(body), status, headers, "application/json")


async def _app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return error_response(request.scope, error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    language = scope_language(request.scope)
    detail = [describe(item, language) for item in error.errors()]
    first = detail[0] if detail else {"loc": ["body"], "msg": ""}
    values = {"field": ".".join(map(str, first["loc"])), "reason": first["msg"]}
    return _response(request.scope, 422, "invalid_input", values, headers={}, detail=detail)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(
        error.status_code, "invalid_input" if error.status_code < 500 else "internal_error"
    )
    headers = dict(error.headers or {})
    return _response(request.scope, error.status_code, code, {}, headers=headers)


def bug_response(scope: Scope, error: Exception) -> Response:
    """The answer to what nobody expected; the log says what it was."""
    log.error("unhandled error", path=scope["path"], exc_info=error, request_id=scope["state"]["request_id"])
    return _response(scope, 500, "internal_error", {}, headers={})


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
