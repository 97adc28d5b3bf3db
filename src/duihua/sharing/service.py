"""What can be done with shared conversations."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

from duihua.changes import repository as record
from duihua.conversations import access
from duihua.core.clock import iso, now
from duihua.core.errors import Conflict, NotFound, TooLarge
from duihua.db.session import Database, Session
from duihua.files import service as files_service
from duihua.files.access import FileNotFound
from duihua.files.service import Content
from duihua.http.downloads import INERT
from duihua.models import Conversation, Share
from duihua.sharing import repository

PATH = "/share/"
# Of 128 bits: nobody finds one by trying.
_TOKEN_BYTES = 16
MOST_PAGE_CHARACTERS = 20_000_000
_ATTEMPTS = 5


class Page(NamedTuple):
    """HTML that shows these files of its messages as `{folder}/{uuid}`, wherever it will be shown.

    It has all of the user's changes up to number `as_of`.
    """

    html: str
    folder: str
    pictures: list[str]
    as_of: int


class ShareNotFound(NotFound):
    """The conversation is not shared."""

    code = "share_not_found"


class SharedPageTooLarge(TooLarge):
    """A page that no browser would show."""

    code = "shared_page_too_large"


class ConversationChanging(Conflict):
    """Something was done to it each time while its page was made."""

    code = "conversation_changing"


def listing(session: Session, user_id: int) -> dict[str, Any]:
    """What the user shares."""
    return {"shares": [_present(row) for row in repository.all_of(session, user_id)]}


def shown(session: Session, user_id: int, reference: str) -> dict[str, Any]:
    """How a conversation is shared. Raises ConversationNotFound, ShareNotFound."""
    row = repository.of_conversation(session, access.owned(session, user_id, reference).id)
    if row is None:
        raise ShareNotFound
    return _present(row)


def last_change(session: Session, user_id: int) -> int:
    """The number of the user's newest change: what a page that is begun now has."""
    return record.newest(session, [user_id])[user_id]


async def share(
    db: Database, user_id: int, reference: str, page_of: Callable[[str], Awaitable[Page]], days: int | None
) -> dict[str, Any]:
    """Show the conversation as it is now; under the address that it has, if it is shared already.

    Raises:
        ConversationNotFound, SharedPageTooLarge, ConversationChanging.
    """
    for _ in range(_ATTEMPTS):
        if told := await db.write(store, user_id, reference, await page_of(reference), days):
            return told
    raise ConversationChanging(retry_after=1)


def store(
    session: Session, user_id: int, reference: str, page: Page, days: int | None
) -> dict[str, Any] | None:
    """Show this page from now on; None where the conversation is no longer as the page has it.

    Raises:
        ConversationNotFound, SharedPageTooLarge.
    """
    if len(page.html) > MOST_PAGE_CHARACTERS:
        raise SharedPageTooLarge(limit=MOST_PAGE_CHARACTERS)
    # Locked: of two at once the second finds what the first has made.
    conversation = access.owned(session, user_id, reference, lock=True)
    # What somebody deleted while the page was made must not become public.
    if record.is_touched(session, user_id, conversation.uuid, page.as_of):
        return None
    row = repository.stored(session, conversation.id) or _new(session, conversation)
    row.title = conversation.title
    row.page, row.pictures = page.html.replace(page.folder, row.token), page.pictures
    row.created_at = now()
    row.expires_at = None if days is None else row.created_at + timedelta(days=days)
    session.flush()
    return shown(session, user_id, reference)


def revoke(session: Session, user_id: int, reference: str) -> None:
    """Show it no longer; its address will never be used again. Raises ConversationNotFound, ShareNotFound."""
    if not repository.remove(session, access.owned(session, user_id, reference, lock=True).id):
        raise ShareNotFound


def page(session: Session, token: str) -> str | None:
    """The page that everybody is shown who knows its token; None where there is none."""
    return repository.page(session, token)


def picture(session: Session, token: str, uuid: str) -> Content:
    """A picture of the page with this token, and no other file. Raises FileNotFound."""
    shown = repository.pictures(session, token)
    if shown is None or uuid not in shown.pictures:
        raise FileNotFound
    content = files_service.content_of(session, shown.user_id, uuid)
    if content.content_type not in INERT:
        raise FileNotFound
    return content


def _new(session: Session, conversation: Conversation) -> Share:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    row = Share(user_id=conversation.user_id, conversation_id=conversation.id, token=token)
    session.add(row)
    return row


def _present(row: Any) -> dict[str, Any]:
    return {
        "chat_id": row.chat_id,
        "title": row.title,
        "path": PATH + row.token,
        "created_at": iso(row.created_at),
        "expires_at": iso(row.expires_at) if row.expires_at else None,
    }
