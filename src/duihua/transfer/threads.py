"""Threads that ask the database."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


def from_thread(ask: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """`ask` for threads: what it asks runs in the present event loop, and the thread waits for it."""
    loop = asyncio.get_running_loop()

    def waiting(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(ask(*args, **kwargs), loop).result()

    return waiting
