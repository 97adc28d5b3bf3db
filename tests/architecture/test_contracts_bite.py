"""Each import contract of pyproject.toml fails on an import that it forbids."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, SOURCE

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]

# contract, module, and the line that it must not hold
BITES = [
    ("layers", "core/ids.py", "import duihua.vocabulary"),
    ("layers", "providers/base.py", "import duihua.conversations.service"),
    ("layers", "drawer.py", "import duihua.core"),
    ("feature", "conversations/repository.py", "import duihua.conversations.service"),
    ("feature", "messages/drawer.py", "import duihua.core"),
    ("connections", "connections/keys.py", "import duihua.connections.catalogue"),
    ("connections", "connections/drawer.py", "import duihua.core"),
    ("files", "files/storage.py", "import duihua.files.repository"),
    ("files", "files/drawer.py", "import duihua.core"),
    ("generation", "generation/repository.py", "import duihua.generation.engine"),
    ("generation", "generation/drawer.py", "import duihua.core"),
    ("transfer", "transfer/reading.py", "import duihua.transfer.exporting"),
    ("transfer", "transfer/drawer.py", "import duihua.core"),
    ("search_index", "search_index/tokens.py", "import duihua.search_index.query"),
    ("search_index", "search_index/drawer.py", "import duihua.core"),
    ("routes", "conversations/routes.py", "import duihua.conversations.repository"),
    ("routes", "groups/routes.py", "from duihua.conversations.repository import ConversationRepository"),
    ("sql", "conversations/service.py", "from sqlalchemy.orm import Session"),
    ("sql", "schemas/base.py", "import sqlalchemy"),
    ("edge", "conversations/service.py", "from fastapi import Request"),
    ("edge", "schemas/base.py", "from starlette.requests import Request"),
    ("upstream", "generation/service.py", "import aiohttp"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package that a test may spoil."""
    shutil.copytree(SOURCE, tmp_path / "duihua", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache", *arguments]
    # Wide, so that no module's name is wrapped.
    wide = {**os.environ, "COLUMNS": "300"}
    return subprocess.run(command, cwd=tree, env=wide, capture_output=True, text=True, check=False)


def test_the_tree_as_it_is_keeps_every_contract(tree: Path) -> None:
    result = lint_imports(tree)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_contract_is_tried() -> None:
    assert {contract["id"] for contract in CONTRACTS} == {contract for contract, _, _ in BITES}


@pytest.mark.parametrize(("contract", "module", "line"), BITES)
def test_a_forbidden_import_fails(tree: Path, contract: str, module: str, line: str) -> None:
    spoiled = tree / "duihua" / module
    with spoiled.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    result = lint_imports(tree, "--contract", contract)
    assert "BROKEN" in result.stdout, result.stdout + result.stderr
    assert "duihua." + module.removesuffix(".py").replace("/", ".") in result.stdout
    assert result.returncode == 1
