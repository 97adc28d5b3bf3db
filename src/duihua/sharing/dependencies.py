"""What makes the page of a conversation."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends

from duihua.auth.dependencies import User
from duihua.files import service as files_service
from duihua.http.downloads import INERT
from duihua.sharing import service
from duihua.sharing.service import Page
from duihua.transfer import exporting
from duihua.transfer.dependencies import AppReader, ReadFromThread
from duihua.transfer.exporting import Wanted


async def _page(read: ReadFromThread, user: User, reader: AppReader) -> Callable[[str], Awaitable[Page]]:
    def written(reference: str) -> Page:
        # Drawn for this page: no text has it.
        folder = secrets.token_urlsafe(16)
        as_of = read(service.last_change, user.id)
        pictures: dict[str, None] = {}

        def picture(file: dict[str, Any]) -> str | None:
            named = file.get("id")
            found = read(files_service.contents_of, user.id, [named]) if isinstance(named, str) else []
            if not found or found[0].content_type not in INERT:
                return None
            pictures[found[0].key] = None
            return f"{folder}/{found[0].key}"

        wanted = Wanted("html", with_system=False, reader=reader._replace(picture=picture))
        html = b"".join(exporting.one(read, user.id, reference, wanted).pieces).decode()
        return Page(html, folder, list(pictures), as_of)

    return lambda reference: asyncio.to_thread(written, reference)


# Of a conversation of the user's, as it is now. Raises ConversationNotFound.
PageOf = Annotated[Callable[[str], Awaitable[Page]], Depends(_page)]
