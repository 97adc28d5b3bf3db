"""Threads that ask the database, and that are asked to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from duihua.core.errors import AppError


class Stop:
    """Asks a thread to stop: it looks (`check`), and what it waits for meanwhile is ended for it."""

    def __init__(self) -> None:
        self._reason: Callable[[], AppError] | None = None
        self._end: Callable[[], None] | None = None

    def ask(self, reason: Callable[[], AppError]) -> None:
        """Let the thread stop as soon as it can; the first reason stands."""
        self._reason = self._reason or reason
        end = self._end
        if end is not None:
            end()

    def check(self) -> None:
        """Raises the reason, once there is one."""
        if self._reason is not None:
            raise self._reason()

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """`end` is called where the thread is asked to stop before the end of this block, or was."""
        # `ask` sets the reason and then looks for what to end; here it is the other way round, so that one of
        # the two sees what the other did.
        self._end = end
        try:
            if self._reason is not None:
                end()
            yield
        finally:
            self._end = None


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
