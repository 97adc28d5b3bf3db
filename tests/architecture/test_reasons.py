"""Every reason why an input is refused is said in Chinese, too."""

import ast
from collections.abc import Iterator
from pathlib import Path

from duihua.http.field_errors import describe, phrase

SOURCE = Path(__file__).parents[2] / "src" / "duihua"
REFUSALS = {"InvalidInput", "UnreadableFile", "BrokenArchive"}


def reasons(tree: ast.AST, *, is_schema: bool) -> Iterator[str]:
    """The literal sentences of refusals: `reason="…"`, and what a validator raises."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        said = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
        if node.func.id == "ValueError" and is_schema:
            said = node.args
        elif node.func.id not in REFUSALS:
            continue
        yield from (part.value for part in said if isinstance(part, ast.Constant))


def test_every_reason_is_translated() -> None:
    found = {
        reason
        for path in SOURCE.rglob("*.py")
        for reason in reasons(ast.parse(path.read_text("utf-8")), is_schema=path.parent.name == "schemas")
    }
    assert len(found) > 20
    missing = sorted(reason for reason in found if phrase(reason, "zh") == reason)
    assert not missing, "say it in Chinese in src/duihua/http/field_errors.py"


def test_choices_are_listed_in_chinese() -> None:
    item = {"type": "literal_error", "loc": ("a",), "msg": "", "ctx": {"expected": "'b', 'c' or 'd'"}}
    assert describe(item, "zh")["msg"] == "应为 'b'、'c'、'd' 之一"
