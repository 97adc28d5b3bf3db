"""What is written about the code is true of it."""

import importlib
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import duihua
from duihua.core import i18n
from duihua.core.config import Config
from duihua.core.errors import AppError
from tests.architecture import env_example
from tests.architecture.tree import ROOT, SOURCE, files, place

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
# These name files of the repository; user documents also name files of the user.
ABOUT_THE_CODE = [
    path
    for path in DOCUMENTS
    if path.name in {"ARCHITECTURE.md", "CONTRIBUTING.md"} or "decisions" in path.parts
]
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_MAKE = re.compile(r"(?:^|[`$\s])make((?: [a-z]+)+)", re.MULTILINE)
_FILE = re.compile(r"`([\w.-]+/[\w./-]+\.(?:py|md|toml|lock|sql|yaml))`")
_TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def make_targets(markdown: str) -> set[str]:
    """The targets of each `make …` in code, in line or fenced."""
    return {
        target
        for code in _CODE.findall(markdown)
        for words in _MAKE.findall(code)
        for target in words.split()
    }


def broken_links(document: Path, markdown: str) -> list[str]:
    """The relative links that lead nowhere."""
    targets = (link.partition("#")[0] for link in _LINK.findall(_CODE.sub("", markdown)))
    return [t for t in targets if t and ":" not in t and not (document.parent / t).exists()]


def error_classes() -> Iterator[type[AppError]]:
    """Every error of ours, wherever it is defined."""
    for module in pkgutil.walk_packages(duihua.__path__, "duihua."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting: list[type[AppError]] = [AppError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if error.__module__.startswith("duihua."):
            yield error


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_env_example_is_the_configuration() -> None:
    written = env_example.PATH.read_text(encoding="utf-8")
    assert written == env_example.render(), f"write it again: {env_example.COMMAND}"


def test_env_example_uncommented_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Config.model_fields.items():
        for variable in env_example.variables(name, field):
            monkeypatch.delenv(variable, raising=False)
    lines = env_example.PATH.read_text(encoding="utf-8").splitlines()
    settings = [line[1:] for line in lines if re.match(r"#[A-Z_]+=.", line)]
    (tmp_path / ".env").write_text("\n".join(settings), encoding="utf-8")
    (tmp_path / "none").touch()
    assert settings
    assert Config(_env_file=tmp_path / ".env") == Config(_env_file=tmp_path / "none")


def test_every_error_says_why_in_both_languages() -> None:
    codes = {error.code for error in error_classes()}
    unknown = sorted(codes - i18n._MESSAGES.keys())
    assert not unknown, f"no sentences in core/i18n.py for {unknown}"
    sentences = {code: i18n._MESSAGES[code] for code in codes}
    english = [code for code, (zh, _) in sentences.items() if not re.search(r"[\u4e00-\u9fff]", zh)]
    assert not english, f"no Chinese in the Chinese sentence of {english}"
    silent = [code for code, (_, en) in sentences.items() if not en.strip()]
    assert not silent, f"no English sentence for {silent}"
    uneven = [code for code, (zh, en) in sentences.items() if _placeholders(zh) != _placeholders(en)]
    assert not uneven, f"the two languages tell different facts: {uneven}"


def test_every_make_target_in_a_document_exists() -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    assert "run" in targets
    offenders = [
        f"{place(path)}: make {target}"
        for path in DOCUMENTS
        for target in make_targets(path.read_text(encoding="utf-8")) - targets
    ]
    assert not offenders, "\n".join(offenders)


def test_every_relative_link_leads_somewhere() -> None:
    offenders = [
        f"{place(path)}: {link}"
        for path in DOCUMENTS
        for link in broken_links(path, path.read_text(encoding="utf-8"))
    ]
    assert not offenders, "\n".join(offenders)


def test_every_file_that_a_document_names_exists() -> None:
    offenders = [
        f"{place(path)}: {name}"
        for path in ABOUT_THE_CODE
        for name in _FILE.findall(path.read_text(encoding="utf-8"))
        if not ((ROOT / name).exists() or (SOURCE / name).exists())
    ]
    assert not offenders, "\n".join(offenders)


def test_a_wrong_document_is_seen(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    (tmp_path / "there.md").touch()
    assert broken_links(document, "[a](there.md#x) [b](https://x.y/z) [c](gone.md) `[d](code.md)`") == [
        "gone.md"
    ]
    assert make_targets("`make install run`, make sense,\n```sh\ncd x\nmake test\n```\n") == {
        "install",
        "run",
        "test",
    }
