"""Answers: `{"code", "message", "msg", "data"}`, in the language of the request."""

from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from duihua.core.i18n import Language, preferred_language, translate


def scope_language(scope: Scope) -> Language:
    """The language a request asks for."""
    header = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return preferred_language(header.decode("latin-1"))


async def _request_language(request: Request) -> Language:
    return scope_language(request.scope)


RequestLanguage = Annotated[Language, Depends(_request_language)]


class Answer(Response):
    """A success: `data` is whatever msgspec encodes; `code` names the sentence in `core.i18n`."""

    media_type = "application/json"

    def __init__(
        self, data: Any, code: str = "ok", *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self._data, self._code = data, code
        super().__init__(status_code=status, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the envelope on now, when the request's language is known."""
        sentence = translate(self._code, scope_language(scope))
        self.body = msgspec.json.encode(
            {"code": self.status_code, "message": sentence, "msg": sentence, "data": self._data}
        )
        self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)
