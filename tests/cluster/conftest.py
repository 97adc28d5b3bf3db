"""Several servers on one PostgreSQL database; each is an application of its own in the test's event loop."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.client import Client
from tests.fixtures.redis import redis as redis
from tests.fixtures.server import config_for, running

Workers = Callable[..., AbstractAsyncContextManager[list[Client]]]


@pytest.fixture
def workers(postgres_database_url: str, tmp_path: Path) -> Workers:
    """`async with workers(2, redis_url=…) as (a, b):`, a client for each."""

    @asynccontextmanager
    async def start(number: int, **options: Any) -> AsyncIterator[list[Client]]:
        async with AsyncExitStack() as stack:
            config = config_for(postgres_database_url, tmp_path, **options)
            yield [await stack.enter_async_context(running(config)) for _ in range(number)]

    return start
