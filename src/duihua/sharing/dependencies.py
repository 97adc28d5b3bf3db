"""What makes the page of a conversation."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from duihua.auth.dependencies import User
from duihua.transfer import exporting
from duihua.transfer.dependencies import AppReader, ReadFromThread
from duihua.transfer.exporting import Wanted


async def _page(read: ReadFromThread, user: User, reader: AppReader) -> Callable[[str], Awaitable[str]]:
    def written(reference: str) -> str:
        wanted = Wanted("html", with_system=False, reader=reader)
        return b"".join(exporting.one(read, user.id, reference, wanted).pieces).decode()

    return lambda reference: asyncio.to_thread(written, reference)


# Of a conversation of the user's, as it is now. Raises ConversationNotFound.
PageOf = Annotated[Callable[[str], Awaitable[str]], Depends(_page)]
