"""What happens to every request before routing. Pure ASGI: BaseHTTPMiddleware costs more than an event."""

import re
import time
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from duihua.core.errors import AppError, Forbidden, InvalidInput
from duihua.core.ids import new_uuid
from duihua.http.exception_handlers import bug_response, error_response
from duihua.http.request_counts import RequestCounts
from duihua.schemas.base import to_snake

_REQUEST_ID = re.compile(rb"^[0-9A-Za-z_.-]{1,100}$")
_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
_MAX_PARAMETERS = 1000
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class UnknownHost(Forbidden):
    """The Host header names another site: a page that rebinds its own name to this machine sends it."""

    code = "unknown_host"
    status = 421


class CrossSite(Forbidden):
    """A browser says that a page of another site sent this."""

    code = "cross_site"


class Gate:
    """Request id, host check, cross-site check, two spellings of query names, safe headers, counts."""

    def __init__(
        self, app: ASGIApp, *, hosts: frozenset[str], origins: frozenset[str], requests: RequestCounts
    ) -> None:
        self._app, self._hosts, self._origins, self._requests = app, hosts, origins, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id", b""))
        state = scope.setdefault("state", {})
        # `send` as it is, for bodies of very many pieces.
        state["request_id"], state["send"] = request_id.decode(), send
        try:
            await self._answer(scope, receive, _stamping(scope, send, request_id, self._requests), headers)
        finally:
            # It holds the scope: only a search for garbage would find the two, and all that a request left.
            del state["send"]

    async def _answer(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        try:
            self._check_sender(scope["method"], headers)
            scope["query_string"] = _fold_query(scope["query_string"])
        except AppError as error:
            await error_response(scope, error)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # A boundary: a bug, too, is answered in the envelope.
            if scope["state"].get("answering"):
                raise
            await bug_response(scope, error)(scope, receive, send)

    def _check_sender(self, method: str, headers: dict[bytes, bytes]) -> None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self._hosts and _without_port(host) not in self._hosts:
            raise UnknownHost(host=host[:100])
        cross_site = headers.get(b"sec-fetch-site") == b"cross-site"
        if method in _UNSAFE and cross_site:
            origin = headers.get(b"origin", b"").decode("latin-1")
            if origin not in self._origins:
                raise CrossSite


def _request_id(sent: bytes) -> bytes:
    return sent if _REQUEST_ID.match(sent) else new_uuid().encode()


def _without_port(host: str) -> str:
    return host.rpartition(":")[0] if re.search(r":\d*$", host) else host


def _fold_query(query: bytes) -> bytes:
    """The query string with its names in snake_case.

    Raises:
        InvalidInput: not UTF-8, NUL in it, too many parameters, or both spellings with different values.
    """
    if not query:
        return query
    try:
        # Clients such as curl send the bytes of a Chinese keyword as they are.
        pairs = parse_qsl(
            query.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS, errors="strict"
        )
    except ValueError as error:
        raise InvalidInput(field="query", reason="is not a valid query string in UTF-8") from error
    seen: dict[str, tuple[str, str]] = {}
    for name, value in pairs:
        snake = to_snake(name)
        spelling, earlier = seen.setdefault(snake, (name, value))
        if spelling != name and earlier != value:
            raise InvalidInput(field=f"query.{snake}", reason="is given twice with different values")
        if "\0" in value:
            raise InvalidInput(field=f"query.{snake}", reason="must not contain NUL")
    return urlencode([(to_snake(name), value) for name, value in pairs]).encode()


def _stamping(scope: Scope, send: Send, request_id: bytes, requests: RequestCounts) -> Send:
    came = time.perf_counter()

    async def stamped(message: Message) -> None:
        if message["type"] == "http.response.start":
            scope["state"]["answering"] = True
            requests.add(scope, message["status"], time.perf_counter() - came)
            present = {name for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(header for header in _HEADERS if header[0] not in present),
                (b"x-request-id", request_id),
            ]
        await send(message)

    return stamped
