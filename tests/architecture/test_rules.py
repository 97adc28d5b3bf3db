"""Rules that no linter knows; for each, an example that breaks it."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, SOURCE, files, place, python_files, texts

PRODUCT = [path for path in python_files() if path.is_relative_to(SOURCE)]

# Where any error may be caught: each of these ends somebody else's work, and must outlive its mistakes.
BOUNDARIES = {
    "db/sqlite.py",
    "generation/engine.py",
    "generation/recovery.py",
    "generation/run.py",
    "http/middleware.py",
    "realtime/redis_bus.py",
    "transfer/importing.py",
}

# In pieces, so that this file does not hold what it forbids.
REGISTRY_HOSTS = [
    ".".join(pieces)
    for pieces in (
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("npmmirror", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("tuna", "tsinghua", "edu", "cn"),
        ("mirrors", "aliyun", "com"),
        ("ghcr", "io"),
    )
]
_MACHINE_PATH = re.compile(r"(?<![\w.:/}-])/(?:work|root|home)/")
# A place in a pip lock is an option, a URL or `name @ …`; in an npm lock it is where a package was resolved.
_PLACE_IN_PIP_LOCK = re.compile(r"://|^\s*-(?!-hash=)|@", re.MULTILINE)
_PLACE_IN_NPM_LOCK = re.compile(r'"resolved"')
_LOCKS = {"package-lock.json", "npm-shrinkwrap.json", "uv.lock", "yarn.lock", "pnpm-lock.yaml"}


def commits(source: str) -> list[int]:
    """Lines that call `….commit()`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    ]


def unexplained_ignores(source: str) -> list[int]:
    """Lines with a `type: ignore` that lacks its code, or a reason there or in a comment just above."""
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    bare = []
    for line, comment in comments.items():
        if "type: ignore" not in comment:
            continue
        match = re.search(r"type: ignore\[[\w, -]+\](.*)", comment)
        if match is None or not (match[1].strip(" #-") or line - 1 in comments):
            bare.append(line)
    return bare


def broad_excepts(source: str) -> Iterator[int]:
    """Lines that catch everything and do not raise it again."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                yield node.lineno
        is_suppress = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress")
        if is_suppress and any(_is_broad(argument) for argument in node.args):
            yield node.lineno


def foreign_hosts(text: str) -> list[str]:
    return [host for host in REGISTRY_HOSTS if host in text]


def place_in_lock(name: str, text: str) -> re.Match[str] | None:
    """The first place where a lock file says to fetch something from."""
    pattern = _PLACE_IN_NPM_LOCK if name.endswith(".json") else _PLACE_IN_PIP_LOCK
    return pattern.search(text)


def _is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(n is None or ast.unparse(n) in {"Exception", "BaseException"} for n in names)


def _inside(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def _is_lock(path: Path) -> bool:
    return path.suffix == ".lock" or path.name in _LOCKS


def test_only_the_database_commits() -> None:
    offenders = [
        f"{place(path)}:{line}"
        for path in PRODUCT
        if not _inside(path).startswith("db/")
        for line in commits(path.read_text(encoding="utf-8"))
    ]
    assert not offenders, "a unit of work is committed by Database.write:\n" + "\n".join(offenders)


def test_every_type_ignore_has_its_code_and_its_reason() -> None:
    offenders = [
        f"{place(path)}:{line}"
        for path in python_files()
        for line in unexplained_ignores(path.read_text(encoding="utf-8"))
    ]
    assert not offenders, "\n".join(offenders)


def test_errors_are_caught_by_name() -> None:
    found = {path: list(broad_excepts(path.read_text(encoding="utf-8"))) for path in PRODUCT}
    catching = {_inside(path): lines for path, lines in found.items() if lines}
    offenders = [f"{path}:{lines}" for path, lines in catching.items() if path not in BOUNDARIES]
    assert not offenders, "catch what can be answered, or name a boundary:\n" + "\n".join(offenders)
    assert catching.keys() == BOUNDARIES, "a boundary that catches nothing is none"


def test_no_file_names_a_registry() -> None:
    offenders = [f"{place(path)}: {host}" for path, text in texts() for host in foreign_hosts(text)]
    assert not offenders, "each place has its own index:\n" + "\n".join(offenders)


def test_no_file_names_a_path_of_one_machine() -> None:
    offenders = [
        f"{place(path)}: {match[0]}" for path, text in texts() if (match := _MACHINE_PATH.search(text))
    ]
    assert not offenders, "\n".join(offenders)


def test_lock_files_name_no_place() -> None:
    locks = [path for path in files() if _is_lock(path)]
    offenders = [
        f"{place(path)}: {match[0]}"
        for path in locks
        if (match := place_in_lock(path.name, path.read_text(encoding="utf-8")))
    ]
    assert {"requirements.lock", "requirements-dev.lock", "package-lock.json"} <= {
        path.name for path in locks
    }
    assert not offenders, "render it with `make lock`:\n" + "\n".join(offenders)


def test_what_is_served_is_what_is_tested() -> None:
    served, tested = (
        set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert served
    assert served <= tested


@pytest.mark.parametrize("source", ["session.commit()", "with a:\n    b.c.commit()"])
def test_a_commit_is_seen(source: str) -> None:
    assert commits(source)


@pytest.mark.parametrize(
    "comment", ["# type: ignore", "# type: ignore[attr-defined]", "# type: ignore  # why"]
)
def test_an_unexplained_ignore_is_seen(comment: str) -> None:
    assert unexplained_ignores(f"x = 1\ny = x  {comment}\n") == [2]
    assert unexplained_ignores("x = 1  # why\ny = x  # type: ignore[arg-type]\n") == []
    assert unexplained_ignores("y = x  # type: ignore[arg-type]  # why\n") == []


@pytest.mark.parametrize("caught", ["", " Exception", " (OSError, BaseException)", " Exception as error"])
def test_a_broad_except_is_seen(caught: str) -> None:
    assert list(broad_excepts(f"try:\n    f()\nexcept{caught}:\n    pass\n")) == [3]
    assert list(broad_excepts(f"try:\n    f()\nexcept{caught}:\n    g()\n    raise\n")) == []
    assert list(broad_excepts("with contextlib.suppress(Exception):\n    f()\n")) == [1]


def test_a_place_is_seen() -> None:
    assert foreign_hosts(f"https://files.{REGISTRY_HOSTS[2]}/packages")
    assert _MACHINE_PATH.search("cd " + "/ro" + "ot/project")
    assert not _MACHINE_PATH.search("GET /chat/home/page, https://host/work/1")
    assert place_in_lock("a.lock", "a==1 \\\n    --hash=sha256:0\n--find-links x\n")
    assert not place_in_lock("a.lock", "a==1 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n")
    assert place_in_lock("package-lock.json", '{"node_modules/@a/b": {"resolved": "x"}}')
    assert not place_in_lock("package-lock.json", '{"node_modules/@a/b": {"integrity": "sha512-0"}}')
