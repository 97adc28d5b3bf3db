"""The files that the rules are about."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "duihua"

# What a checkout holds beside the project's own files. A developer's `.env` is nobody's business here.
_FOREIGN = {".git", ".env", ".hypothesis", "node_modules", "dist", "__pycache__"}


def files() -> Iterator[Path]:
    """Every file of the project. Walked, not asked of git: the tests also run in an unpacked archive."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if not _is_foreign(Path(folder, name)))
        yield from (Path(folder, name) for name in sorted(names) if name not in _FOREIGN)


def _is_foreign(folder: Path) -> bool:
    is_cache = folder.name in _FOREIGN or folder.name.endswith(("_cache", ".egg-info"))
    return is_cache or (folder / "pyvenv.cfg").exists()


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is text, and its text."""
    for path in files():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def python_files() -> list[Path]:
    """The Python of the product, its tests, its benchmarks and its migrations."""
    return [path for path in files() if path.suffix == ".py"]


def place(path: Path) -> str:
    """How a path is named in a message."""
    return path.relative_to(ROOT).as_posix()
