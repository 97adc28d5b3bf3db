"""Nothing grows until it cannot be read: limits on files and functions, without exceptions."""

import ast
from pathlib import Path

from tests.architecture.tree import place, python_files

FILE_LINES = 300
FUNCTION_LINES = 40
TEST_FILE_LINES = 500
REVISION_LINES = 400


def file_limit(path: Path) -> int:
    if _is_revision(path):
        return REVISION_LINES
    is_test = path.name.startswith("test_") or "tests" in path.parts
    return TEST_FILE_LINES if is_test else FILE_LINES


def long_functions(source: str) -> list[tuple[str, int]]:
    """Name and length of each function over the limit, from its `def` to its last line."""
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lengths = ((node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions)
    return [(name, length) for name, length in lengths if length > FUNCTION_LINES]


def _is_revision(path: Path) -> bool:
    # A migration is written once and read top-down: its length is that of the schema.
    return path.parent.name == "versions" and path.parent.parent.name == "migrations"


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    offenders = [f"{place(p)}: {n} > {file_limit(p)}" for p, n in lengths.items() if n > file_limit(p)]
    assert not offenders, "split by use case:\n" + "\n".join(offenders)


def test_no_function_is_too_long() -> None:
    offenders = [
        f"{place(path)}: {name}: {length} > {FUNCTION_LINES}"
        for path in python_files()
        if not _is_revision(path)
        for name, length in long_functions(path.read_text(encoding="utf-8"))
    ]
    assert not offenders, "name a part of it:\n" + "\n".join(offenders)


def test_the_limit_can_fail() -> None:
    def function(lines: int) -> str:
        return "async def f():\n" + "    x = 1\n" * (lines - 1)

    assert long_functions(function(FUNCTION_LINES)) == []
    assert long_functions(function(FUNCTION_LINES + 1)) == [("f", FUNCTION_LINES + 1)]
