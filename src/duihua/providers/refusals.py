"""What a provider's refusal means: an HTTP status and an error object in, one of our errors out."""

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import (
    ProviderContextTooLong,
    ProviderError,
    ProviderModelNotFound,
    ProviderNotFound,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRedirected,
    ProviderTimeout,
    ProviderUnauthorized,
    ProviderUnavailable,
)
from duihua.providers.text import decode_json

# A day: what a client is told to wait when a provider names a date in another century.
_RETRY_AFTER_CEILING_SECONDS = 86_400
_SERVER_ERROR = 500
# Characters of a page and of a message in which what matters is looked for; both may be megabytes long.
_PAGE_CHARS = 64 * 1024
_MESSAGE_CHARS = 8000

# The words come first: the same refusal has another status with every server.
_BY_WORDS: tuple[tuple[re.Pattern[str], type[ProviderError]], ...] = (
    (re.compile("context_length|maximum context|exceed_context|context window"), ProviderContextTooLong),
    (re.compile("insufficient_quota|insufficient balance|arrearage"), ProviderQuotaExhausted),
    (re.compile("invalid_?api_?key|authentication_error"), ProviderUnauthorized),
    (
        re.compile(r"model_not_found|\bmodel\b.{0,200}\b(?:not found|not exist)"),
        ProviderModelNotFound,
    ),
    (re.compile("rate_limit|too many requests"), ProviderRateLimited),
    (re.compile("overloaded"), ProviderUnavailable),
)
_BY_STATUS: dict[int, type[ProviderError]] = {
    401: ProviderUnauthorized,
    402: ProviderQuotaExhausted,
    403: ProviderUnauthorized,
    404: ProviderNotFound,
    405: ProviderNotFound,
    408: ProviderTimeout,
    413: ProviderContextTooLong,
    429: ProviderRateLimited,
    504: ProviderTimeout,
}


def refusal(
    endpoint: Endpoint, status: int, body: bytes, headers: Mapping[str, str], *, model: str = ""
) -> ProviderError:
    """The error that an HTTP answer outside 2xx stands for; `body` is its beginning."""
    if 300 <= status < 400:
        host = endpoint.redact(headers.get("Location", "")).partition("?")[0]
        return ProviderRedirected(provider=endpoint.provider, reason=f"HTTP {status}, {host}")
    try:
        error: object = decode_json(body)
    except ValueError:
        error = body.decode("utf-8", "replace")
    retry_after = retry_after_seconds(headers.get("Retry-After"))
    return error_of(endpoint, error, model=model, status=status, retry_after=retry_after)


def error_of(
    endpoint: Endpoint, error: object, *, model: str, status: int = 0, retry_after: int | None = None
) -> ProviderError:
    """The error that a provider's error object stands for, in whichever of the usual shapes it comes.

    `status` is the HTTP status, 0 inside a stream that began with 200; the object's own `code` stands
    in for it there. The values of the error carry it as `upstream_status`.
    """
    message, names = _told(error)
    if not status:
        status = next((int(name) for name in names if re.fullmatch(r"[45]\d\d", name)), 0)
    kind = _kind(status, f"{' '.join(names)} {message}"[:_MESSAGE_CHARS].lower())
    return kind(
        provider=endpoint.provider,
        reason=endpoint.redact(f"HTTP {status}: {message}" if status else message),
        retry_after=retry_after,
        model=model,
        upstream_status=status,
    )


def retry_after_seconds(value: str | None) -> int | None:
    """Seconds to wait by a `Retry-After` header (RFC 9110 §10.2.3), between 0 and a day; None without."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value)
    if math.isnan(seconds):
        return None
    return math.ceil(min(max(seconds, 0), _RETRY_AFTER_CEILING_SECONDS))


def page_title(page: str) -> str:
    """What an HTML page says it is, for a person who got it in place of an answer."""
    title = re.search(r"<title[^<>]*>([^<]*)", page[:_PAGE_CHARS], re.IGNORECASE)
    return f"an HTML page: {title[1].strip()}" if title and title[1].strip() else "an HTML page"


def _seconds_until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return math.nan


def _kind(status: int, words: str) -> type[ProviderError]:
    for pattern, kind in _BY_WORDS:
        if pattern.search(words):
            return kind
    return _BY_STATUS.get(status) or (ProviderUnavailable if status >= _SERVER_ERROR else ProviderError)


def _told(error: object) -> tuple[str, list[str]]:
    """The message for a person and the names for us, from `{"error": {…}}`, `{"detail": …}`, text, HTML."""
    if isinstance(error, dict):
        inner = error.get("error") or error.get("detail")
        if isinstance(inner, dict | str):
            return _told(inner)
        names = [str(error[key]) for key in ("code", "type") if error.get(key)]
        return _text(error.get("message") or inner or error), names
    text = _text(error)
    return (page_title(text) if text.lstrip().startswith("<") else text), []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
