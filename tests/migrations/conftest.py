"""A database for each test, on both engines."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.database import POSTGRES, postgres
from tests.migrations.databases import DIALECTS, Place, new_place


@pytest.fixture(scope="session")
def postgres_server() -> None:
    """Skips where there is no PostgreSQL, but not in CI."""
    try:
        asyncio.run(postgres("SELECT 1"))
    except OSError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL at {POSTGRES}: {error}")


@pytest.fixture(params=DIALECTS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A database with nothing in it."""
    if request.param == "postgresql":
        request.getfixturevalue("postgres_server")
    with new_place(request.param, tmp_path) as place:
        yield place


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Iterator[Place]:
    """The same for what only files can do."""
    with new_place("sqlite", tmp_path) as place:
        yield place


@pytest.fixture
def postgres_place(postgres_server: None, tmp_path: Path) -> Iterator[Place]:
    """The same for what only PostgreSQL has."""
    with new_place("postgresql", tmp_path) as place:
        yield place
