"""A server for the tour alone."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def own_server() -> Iterator[str]:
    """A server with an empty database of its own, on a free port; its base URL."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DUIHUA_DISCOVER": "false",
            "DUIHUA_PORT": "0",
            "DUIHUA_DATA_DIR": folder,
        }
        for name in ("DATABASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PORT"):
            environment.pop(name, None)
        log = Path(folder, "log")
        with log.open("wb") as output:
            command = [sys.executable, "-m", "duihua", "serve", "--log-format", "json"]
            server = subprocess.Popen(command, env=environment, stderr=output)
        try:
            yield _announced_url(server, log)
        finally:
            server.terminate()
            server.wait(timeout=30)


def _announced_url(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        for line in log.read_text("utf-8").splitlines():
            if '"url"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.05)
    raise SystemExit(f"the server did not start:\n{log.read_text('utf-8')}")
