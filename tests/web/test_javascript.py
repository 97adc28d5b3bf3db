"""The JavaScript tests, run by Node: the library by itself, the API module against a running server."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.fixtures.server import config_for, running

WEB = ROOT / "web"


@pytest.fixture(scope="session")
def node() -> str:
    """Node with the client's packages; skips without them, but not in CI."""
    # Where the machine has none that is new enough, `make web` puts one beside the Python that runs this.
    found = shutil.which("node", path=Path(sys.executable).parent) or shutil.which("node")
    if found is None or not (WEB / "node_modules").is_dir():
        if os.environ.get("CI"):
            raise AssertionError("CI needs Node >= 20.19, and `npm ci` in web/")
        pytest.skip("needs Node >= 20.19 and its packages: `make web`")
    return found


async def _node_tests(node: str, folder: str, **environment: str) -> None:
    tests = sorted(str(path) for path in (WEB / "tests" / folder).glob("*.test.js"))
    assert tests
    process = await asyncio.create_subprocess_exec(
        *(node, "--test", *tests),
        cwd=WEB,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")


async def test_the_library(node: str) -> None:
    await _node_tests(node, "unit")


async def test_the_api_module(node: str, sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "duihua.db")
    async with running(config_for(f"sqlite:///{tmp_path / 'duihua.db'}", tmp_path)) as client:
        await _node_tests(node, "api", DUIHUA_URL=client.origin)
