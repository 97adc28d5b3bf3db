"""Threads that ask the database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from typing import Any


def from_thread(ask: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """`ask` for threads: what it asks runs in the present event loop, and the thread waits for it."""
    loop = asyncio.get_running_loop()

    def waiting(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(ask(*args, **kwargs), loop).result()

    return waiting


def pieces_from_thread(
    open_file: Callable[[str], Coroutine[Any, Any, AsyncIterator[bytes]]],
) -> Callable[[str], Iterator[bytes]]:
    """`open_file` for threads: its errors come when it is called, the bytes as they are asked for."""
    opening, following = from_thread(open_file), from_thread(_next)

    def pieces(key: str) -> Iterator[bytes]:
        return iter(partial(following, opening(key)), b"")

    return pieces


async def _next(pieces: AsyncIterator[bytes]) -> bytes:
    return await anext(pieces, b"")
