"""The error tree: every refusal this program makes on purpose, with its HTTP status and its stable name.

AppError
├── InvalidInput (422)
├── NotFound (404)
├── Conflict (409)
├── Forbidden (403)
├── TooLarge (413)
├── Unavailable (503)
└── …  features and providers derive their own, with their own `code`

The words for a person live in `core.i18n`, keyed by `code`.
"""

from typing import Any, ClassVar


class AppError(Exception):
    """A failure with a name (`code`), an HTTP `status` and the values its message is filled with."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, *, retry_after: int | None = None, **values: Any) -> None:
        """`values` fill the placeholders of the message; `retry_after` is in seconds."""
        super().__init__(self.code, values)
        self.values = values
        self.retry_after = retry_after


class InvalidInput(AppError):
    """The request is understood and cannot be right; `field` names the place."""

    code = "invalid_input"
    status = 422

    def __init__(self, *, field: str = "body", reason: str = "", **values: Any) -> None:
        """`field` is a dotted path from `body`, `query` or `header`; `reason` is a short English phrase."""
        super().__init__(field=field, reason=reason, **values)


class NotFound(AppError):
    """It does not exist, or it is somebody else's: the two are not told apart."""

    code = "not_found"
    status = 404


class Conflict(AppError):
    """The request contradicts the present state."""

    code = "conflict"
    status = 409


class Forbidden(AppError):
    """The request may never be made from there."""

    code = "forbidden"
    status = 403


class TooLarge(AppError):
    """More bytes than the configured limit."""

    code = "body_too_large"
    status = 413


class UnsupportedMediaType(AppError):
    """The body is not of the kind this route reads."""

    code = "unsupported_media_type"
    status = 415


class Unavailable(AppError):
    """Not now; the client may try again after `retry_after` seconds."""

    code = "unavailable"
    status = 503
