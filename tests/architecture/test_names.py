"""A name that says nothing means that the thing has no home yet."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, place, python_files

BANNED = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}
# As a drawer only: `exception_handlers` says what is in it, `handler` and `ChatHandler` do not.
DRAWERS = {"handler", "handlers"}
_CLASS_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def empty_module_name(name: str) -> bool:
    return name in DRAWERS or not BANNED.isdisjoint(name.split("_"))


def empty_class_name(name: str) -> bool:
    words = [word.lower() for word in _CLASS_WORD.findall(name)]
    return not BANNED.isdisjoint(words) or (bool(words) and words[-1] in DRAWERS)


def _class_names(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def test_modules_and_packages_say_what_is_in_them() -> None:
    names = {path: path.relative_to(ROOT).with_suffix("").parts for path in python_files()}
    offenders = [place(path) for path, parts in names.items() if any(map(empty_module_name, parts))]
    assert not offenders, offenders


def test_classes_say_what_they_are() -> None:
    offenders = [
        f"{place(p)}: {name}" for p in python_files() for name in _class_names(p) if empty_class_name(name)
    ]
    assert not offenders, offenders


@pytest.mark.parametrize("name", ["utils", "chat_helpers", "handler", "common", "misc", "run_manager"])
def test_a_banned_module_name_is_seen(name: str) -> None:
    assert empty_module_name(name)
    assert empty_class_name("".join(word.title() for word in name.split("_")))


@pytest.mark.parametrize("name", ["exception_handlers", "commands", "managed_run", "repository"])
def test_a_telling_module_name_passes(name: str) -> None:
    assert not empty_module_name(name)
