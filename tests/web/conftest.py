"""A server with an empty archive, and somebody at a browser."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.fixtures.client import Client
from tests.fixtures.server import config_for, running
from tests.web.browser import Visitor, browsing, visiting

Visit = Callable[..., AbstractAsyncContextManager[Visitor]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One loop for all that visit an archive, in which one browser lives: to start one takes seconds."""
    here = Path(__file__).parent
    for item in items:
        if (
            here in item.path.parents
            and pytest_asyncio.is_async_test(item)
            and "archive" in item.fixturenames
        ):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session")
async def archive(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a server that also serves pages."""
    shutil.copy(sqlite_template, tmp_path / "duihua.db")
    async with running(config_for(f"sqlite:///{tmp_path / 'duihua.db'}", tmp_path)) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as running_browser:
        yield running_browser


@pytest.fixture
def visit(browser: Browser, archive: Client) -> Visit:
    """`async with visit(locale="en-US", color_scheme="dark") as visitor:`."""
    return lambda **options: visiting(browser, archive.origin, **options)
