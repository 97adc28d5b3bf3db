"""`/chat/conversations/{chat_id}/share`, `/chat/shares`, and `/share/{token}` for everybody."""

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse, Response, StreamingResponse

from duihua.auth.dependencies import User
from duihua.core.i18n import translate
from duihua.files.dependencies import AppStorage
from duihua.http import downloads
from duihua.http.envelope import Answer, RequestLanguage
from duihua.http.idempotency import Retry, ask_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.schemas.base import Envelope, Reference
from duihua.schemas.share import ShareCreate, ShareList, ShareResponse
from duihua.sharing import service
from duihua.sharing.dependencies import PageOf
from duihua.sharing.service import PATH

router = feature_router("/chat", "sharing")
# Not under /api: it is a page, and its address is to be short.
public = APIRouter(include_in_schema=False)
ChatId = Annotated[Reference, Path(description="uuid, or the integer id")]
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
# The address is a secret: no search engine and no link is told it. A cache would show what was revoked.
_HEADERS = {
    "x-robots-tag": "noindex, nofollow, noarchive",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@router.get("/shares", response_model=Envelope[ShareList])
async def list_shares(db: Db, user: User) -> Response:
    """All conversations that are shared."""
    return Answer(await db.read(service.listing, user.id))


@router.get("/conversations/{chat_id}/share", response_model=Envelope[ShareResponse])
async def show_share(db: Db, user: User, chat_id: ChatId) -> Response:
    """How the conversation is shared."""
    return Answer(await db.read(service.shown, user.id, chat_id))


@router.post("/conversations/{chat_id}/share", response_model=Envelope[ShareResponse])
async def share(
    db: Db, user: User, page_of: PageOf, retry: Retry, chat_id: ChatId, wanted: ShareCreate
) -> Response:
    """Share the conversation as it is now, without what is said later. Once more: as it is then."""

    async def work() -> dict[str, Any]:
        return await service.share(db, user.id, chat_id, page_of, wanted.days)

    return Answer(await ask_once(db, user.id, retry, work), "shared")


@router.delete("/conversations/{chat_id}/share", response_model=Envelope[None])
async def revoke(db: Db, user: User, chat_id: ChatId) -> Response:
    """Stop sharing: its address leads nowhere from now on."""
    await db.write(service.revoke, user.id, chat_id)
    return Answer(None, "revoked")


@public.get(PATH + "{token}", response_class=HTMLResponse)
async def show(db: Db, language: RequestLanguage, token: str) -> Response:
    """A shared conversation, or a page that says that there is none."""
    page = await db.read(service.page, token)
    headers = _HEADERS | {"content-security-policy": _POLICY}
    if page is not None:
        return HTMLResponse(page, headers=headers)
    text = escape(translate("share_gone", language))
    gone = f'<!doctype html><meta charset="utf-8"><title>{text}</title><p>{text}</p>'
    return HTMLResponse(gone, status_code=404, headers=headers)


@public.get(PATH + "{token}/{file_id}")
async def show_picture(db: Db, storage: AppStorage, token: str, file_id: str) -> Response:
    """A picture of a shared page, for as long as that is shown."""
    file = await db.read(service.picture, token, file_id)
    headers = {
        **downloads.safe_headers(file.name, file.content_type),
        **_HEADERS,
        # The page that shows it is in a sandbox, without an origin: to a browser that is another site.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Content-Type": file.content_type,
        "Content-Length": str(file.size),
    }
    return StreamingResponse(await storage.open(file.key), headers=headers)
