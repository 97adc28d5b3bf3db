"""What the routes of export and import are given."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends

from duihua.http.state import Db


def from_thread(ask: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """`ask` for threads: what it asks runs in the present event loop, and the thread waits for it."""
    loop = asyncio.get_running_loop()

    def waiting(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(ask(*args, **kwargs), loop).result()

    return waiting


async def _read(db: Db) -> Callable[..., Any]:
    return from_thread(db.read)


ReadFromThread = Annotated[Callable[..., Any], Depends(_read)]
