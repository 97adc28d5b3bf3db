"""Processes of ours that read what may be hostile: they hold no secret, and little memory and time."""

import os
import sys
from contextlib import suppress


def command(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """How such a process is started, as `python -m module arguments`, and its environment."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP") if name in os.environ}
    return [sys.executable, "-I", "-X", "utf8", "-m", module, *arguments], kept


def give_up_rights(*, memory_bytes: int, cpu_seconds: int | None = None) -> None:
    """Let this process fail where it takes more than that, from now on and for ever."""
    if sys.platform == "win32":
        return  # There the patience of the waiting side is all there is.
    import resource

    limits = {resource.RLIMIT_AS: memory_bytes, resource.RLIMIT_CPU: cpu_seconds}
    for limit, value in limits.items():
        # macOS knows no limit of address space.
        with suppress(ValueError, OSError):
            if value is not None:
                resource.setrlimit(limit, (value, value))
