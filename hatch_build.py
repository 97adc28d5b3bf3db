"""The build hook: a wheel carries the web client, built with a Node of the machine or one that pip fetches.

`DUIHUA_WEB` says what happens: `auto` (without Node and network: no client in the package), `require` (then
it fails; for releases), `skip`.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "web"))
import build as client


class WebClientHook(BuildHookInterface[Any]):
    """Builds the client before the files of the package are collected."""

    def dependencies(self) -> list[str]:
        """Node itself, for the throw-away environment of the build, where the machine has none."""
        if not self._wanted():
            return []
        try:
            client.npm()
        except client.NoNode:
            return [client.NODE]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, unless it is built."""
        if not self._wanted():
            return
        try:
            client.build()
        except (client.NoNode, OSError, subprocess.CalledProcessError) as error:
            if os.environ.get("DUIHUA_WEB") == "require":
                raise
            self.app.display_warning(f"without the web client: {error!r}")

    def _wanted(self) -> bool:
        has_sources = (client.WEB / "vite.config.js").is_file()
        return os.environ.get("DUIHUA_WEB") != "skip" and has_sources and not client.fresh()
