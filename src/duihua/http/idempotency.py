"""`Idempotency-Key`: a POST that is sent again gives its first answer again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Concatenate, ParamSpec

from fastapi import Depends, Request

from duihua.core.errors import InvalidInput
from duihua.db.session import Database, Session
from duihua.http.repository import RetryKey, earlier, once

P = ParamSpec("P")

_HEADER = "idempotency-key"


async def _key(request: Request) -> str | None:
    sent = request.headers.getlist(_HEADER)
    if not sent:
        return None
    key = sent[0]
    if len(sent) > 1 or not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise InvalidInput(field=f"header.{_HEADER}", reason="must be 1 to 255 printable ASCII characters")
    return key


async def retry_key(request: Request) -> RetryKey | None:
    """Under which key a request may be sent again, with a fingerprint of it. Raises InvalidInput."""
    key = await _key(request)
    if key is None:
        return None
    scope = request.scope
    # /api/chat/… and /chat/… are one address.
    path = str(scope["path"]).removeprefix("/api")
    digest = hashlib.sha256(f"{scope['method']} {path}?".encode())
    digest.update(scope["query_string"] + b"\n" + await request.body())
    return RetryKey(key, digest.hexdigest())


# The key alone, for bodies that are not gathered: their route takes the fingerprint while it reads.
RetryHeader = Annotated[str | None, Depends(_key)]
Retry = Annotated[RetryKey | None, Depends(retry_key)]


async def write_once(
    db: Database,
    user_id: int,
    retry: RetryKey | None,
    work: Callable[Concatenate[Session, int, P], dict[str, Any]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> dict[str, Any]:
    """`work(session, user_id, …)` in one transaction, unless `retry` has been here before: then its answer.

    Raises:
        IdempotencyKeyReused: the key was used for another request.
    """

    def unit(session: Session) -> dict[str, Any]:
        answer, _ = once(
            session, user_id, retry, lambda: work(session, user_id, *args, **kwargs), dict[str, Any]
        )
        return answer

    return await db.write(unit)


async def ask_once(
    db: Database, user_id: int, retry: RetryKey | None, work: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """What `work` answers, which is more than one transaction, unless `retry` has been here before.

    Of two requests with one key at the same time both may work; they are answered alike.

    Raises:
        IdempotencyKeyReused: the key was used for another request.
    """
    known = await db.read(earlier, user_id, retry, dict[str, Any]) if retry else None
    if known is not None:
        return known
    answer = await work()
    return await write_once(db, user_id, retry, lambda *_: answer) if retry else answer
