"""The one HTTP client for providers: time-outs, retries, redirects refused, errors named and redacted."""

import asyncio
import functools
import io
import random
import socket
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeGuard

from duihua.providers.breaker import Breakers
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import (
    ProviderError,
    ProviderEventTooLarge,
    ProviderInvalidResponse,
    ProviderTimeout,
    ProviderUnreachable,
)
from duihua.providers.refusals import refusal
from duihua.providers.reply import Reply, Wire
from duihua.providers.sse import EVENT_LIMIT_BYTES
from duihua.providers.text import decode_json

# aiohttp takes a sixth of a second to import and is only needed once a provider is asked.
if TYPE_CHECKING:
    import aiohttp

RETRIES = 2
RETRY_AFTER_CAP_SECONDS = 5
_REDIRECTS_FROM = 300
_ERROR_BODY_BYTES = 64 * 1024
_ERROR_BODY_SECONDS = 2.0
# Above this aiohttp warns about bytes, and wants something it can write in pieces.
_ONE_WRITE_BYTES = 1024 * 1024


class Transport:
    """The connections to all providers of this process, kept alive between requests."""

    def __init__(self, *, backoff_seconds: float = 0.5, linger_seconds: float = 1.0) -> None:
        """`backoff_seconds` before the first retry, doubled for the next.

        `linger_seconds` is how long a complete reply waits, unseen, for the end of its HTTP body, after
        which its connection serves the next request.
        """
        self._backoff_seconds = backoff_seconds
        self._linger_seconds = linger_seconds
        self._session: aiohttp.ClientSession | None = None
        self._lingering: set[Wire] = set()
        self.breakers = Breakers()

    async def open(self, endpoint: Endpoint, path: str, body: bytes, *, model: str = "") -> Reply:
        """Post a JSON `body` and give the 2xx answer, whose body is still to come, to be given to `release`.

        Connect failures, 429 and 5xx are tried again, at most twice and within the first-byte time; a
        `Retry-After` of more than 5 s is not waited for but handed on in the error.

        Raises:
            ProviderError: by `refusals` and `_connect_failure`.
        """
        session = await self._connected()
        started = asyncio.get_running_loop().time()
        limit = endpoint.timeouts.first_byte
        answer: aiohttp.ClientResponse | ProviderError
        try:
            async with asyncio.timeout_at(started + limit):
                answer = await self._answer(session, endpoint, path, body, model)
        except TimeoutError:
            answer = ProviderTimeout(provider=endpoint.provider, reason=f"no answer within {limit:g} s")
        # Errors are carried out here to be raised: one of the client's, which holds the request's headers,
        # would be their context otherwise.
        if isinstance(answer, ProviderError):
            raise answer
        return Reply(_wire(answer), endpoint, started)

    async def get_json(
        self, endpoint: Endpoint, path: str, *, seconds: float, body: bytes | None = None
    ) -> Any:
        """The decoded JSON at `path`, asked once, complete within `seconds`. Raises ProviderError.

        With a JSON `body` it is posted.
        """
        session = await self._connected()
        answer: bytes | ProviderError
        try:
            async with asyncio.timeout(seconds):
                answer = await self._get(session, endpoint, path, body)
        except TimeoutError:
            answer = ProviderTimeout(provider=endpoint.provider, reason=f"no answer within {seconds:g} s")
        if isinstance(answer, ProviderError):
            raise answer
        try:
            return decode_json(answer)
        except ValueError:
            pass
        raise ProviderInvalidResponse(provider=endpoint.provider, reason="not JSON")

    def release(self, reply: Reply, *, is_whole: bool) -> None:
        """Take back a reply: its connection is closed, or kept for the next request if it was read whole."""
        reply.unwatch()
        wire = reply.wire
        if not is_whole:
            wire.close()
        elif not wire.is_closed():
            # `[DONE]` mostly comes a moment before the end of the HTTP body. aiohttp hands the connection
            # back by itself once that has come; a server that never sends it is cut off.
            wire.resume()
            self._lingering.add(wire)
            asyncio.get_running_loop().call_later(self._linger_seconds, self._drop, wire)

    async def close(self) -> None:
        """Close every connection; the next request would open new ones."""
        for wire in self._lingering:
            wire.close()
        self._lingering.clear()
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _answer(
        self, session: "aiohttp.ClientSession", endpoint: Endpoint, path: str, body: bytes, model: str
    ) -> "aiohttp.ClientResponse | ProviderError":
        retry = 0
        while True:
            answer = await self._attempt(session, endpoint, path, body, model)
            if retry == RETRIES or not _is_worth_retrying(answer):
                return answer
            wait = answer.retry_after
            if wait is None:
                wait = self._backoff_seconds * 2**retry * random.uniform(0.5, 1.0)
            await asyncio.sleep(wait)
            retry += 1

    async def _attempt(
        self, session: "aiohttp.ClientSession", endpoint: Endpoint, path: str, body: bytes, model: str
    ) -> "aiohttp.ClientResponse | ProviderError":
        data = body if len(body) < _ONE_WRITE_BYTES else io.BytesIO(body)
        try:
            response = await session.post(
                endpoint.url(path), data=data, headers=endpoint.headers(), **_options(endpoint)
            )
            if response.ok and response.status < _REDIRECTS_FROM:
                return response
            return await _refused(response, endpoint, model)
        except _failures() as failure:
            return _connect_failure(failure, endpoint)

    async def _get(
        self, session: "aiohttp.ClientSession", endpoint: Endpoint, path: str, data: bytes | None
    ) -> bytes | ProviderError:
        body = bytearray()
        method = "GET" if data is None else "POST"
        try:
            response = await session.request(
                method, endpoint.url(path), data=data, headers=endpoint.headers(), **_options(endpoint)
            )
            if not response.ok or response.status >= _REDIRECTS_FROM:
                return await _refused(response, endpoint, "")
            await _read_into(body, response, EVENT_LIMIT_BYTES + 1)
        except _failures() as failure:
            return _connect_failure(failure, endpoint)
        if len(body) > EVENT_LIMIT_BYTES:
            return ProviderEventTooLarge(provider=endpoint.provider, limit=EVENT_LIMIT_BYTES)
        return bytes(body)

    async def _connected(self) -> "aiohttp.ClientSession":
        if self._session is None:
            # In a thread: the import would hold up every other request of the process.
            await asyncio.to_thread(import_module, "aiohttp")
        if self._session is None:
            self._session = _session()
        return self._session

    def _drop(self, wire: Wire) -> None:
        self._lingering.discard(wire)
        wire.close()


@functools.cache
def _failures() -> tuple[type[Exception], ...]:
    """What the client raises for trouble on the way."""
    import aiohttp

    return (aiohttp.ClientError, OSError)


def _wire(response: "aiohttp.ClientResponse") -> Wire:
    connection = response.connection

    def network() -> asyncio.Transport | None:
        # A connection that was handed back has none: it belongs to another request.
        transport = connection.transport if connection is not None else None
        return None if transport is None or transport.is_closing() else transport

    def pause() -> None:
        if transport := network():
            transport.pause_reading()

    def resume() -> None:
        if transport := network():
            transport.resume_reading()

    return Wire(
        read=response.content.readany,
        # Private, for want of another way: `readany` raises before it gives what it still holds.
        rest=lambda: response.content._read_nowait(-1),
        pause=pause,
        resume=resume,
        close=response.close,
        is_closed=lambda: response.closed,
        failures=_failures(),
    )


def _session() -> "aiohttp.ClientSession":
    import aiohttp

    return aiohttp.ClientSession(
        # As many connections as there are replies; the generation engine is what bounds those.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30, socket_factory=_socket_for),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "duihua"},
        trust_env=False,
    )


def _socket_for(address: "aiohttp.AddrInfoType") -> socket.socket:
    """The socket for a resolved address, which is the very one that it will connect to.

    Addresses are the operator's own, so any is good. Once users bring theirs, this is the place where
    a forbidden network is refused: neither DNS nor a redirect can change the address any more.
    """
    family, kind, protocol, _, _ = address
    return socket.socket(family, kind, protocol)


def _options(endpoint: Endpoint) -> dict[str, Any]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, connect=endpoint.timeouts.connect)
    return {"allow_redirects": False, "timeout": timeout}


async def _refused(response: "aiohttp.ClientResponse", endpoint: Endpoint, model: str) -> ProviderError:
    body = bytearray()
    # The status says enough where the explanation does not arrive.
    with suppress(*_failures()):
        async with asyncio.timeout(_ERROR_BODY_SECONDS):
            await _read_into(body, response, _ERROR_BODY_BYTES)
    return refusal(endpoint, response.status, bytes(body), response.headers, model=model)


async def _read_into(body: bytearray, response: "aiohttp.ClientResponse", limit: int) -> None:
    """Read at most `limit` bytes of a body; the response is closed then."""
    async with response:
        while len(body) < limit and (chunk := await response.content.readany()):
            body += chunk
    del body[limit:]


def _is_worth_retrying(answer: object) -> TypeGuard[ProviderError]:
    return (
        isinstance(answer, ProviderError)
        and answer.is_transient
        and (answer.retry_after or 0) <= RETRY_AFTER_CAP_SECONDS
    )


def _connect_failure(failure: Exception, endpoint: Endpoint) -> ProviderError:
    import aiohttp

    if isinstance(failure, aiohttp.ConnectionTimeoutError):
        reason = f"no connection within {endpoint.timeouts.connect:g} s"
        return ProviderTimeout(provider=endpoint.provider, reason=reason)
    if isinstance(failure, aiohttp.ClientConnectorError):
        reason = endpoint.redact(failure.os_error.strerror or str(failure.os_error))
    elif isinstance(failure, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        reason = "the connection was closed before an answer"
    else:
        reason = type(failure).__name__
    error = ProviderUnreachable(provider=endpoint.provider, reason=reason)
    # A certificate does not get better within a second.
    error.is_transient = not isinstance(failure, aiohttp.ClientSSLError)
    return error
