"""`rotate-key`, in a process that kills itself at the n-th of the steps that change something."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from duihua.connections import repository, rotating
from duihua.connections.keys import Keys
from duihua.core.config import Config
from duihua.db.session import open_database

_left = int(sys.argv[1])


def _maybe_die() -> None:
    global _left  # noqa: PLW0603
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    _left -= 1


def _mortal(step: Callable[..., Any]) -> Callable[..., Any]:
    def around(*args: Any) -> Any:
        _maybe_die()
        result = step(*args)
        _maybe_die()
        return result

    return around


async def _main() -> None:
    config = Config(_env_file=None)
    db = open_database(config.resolved_database_url)
    rotating.AT_ONCE = 1
    Keys.replace = _mortal(Keys.replace)
    repository.replace_keys = _mortal(repository.replace_keys)
    await rotating.rotate(db, Keys(config), lambda *_: None)
    await db.close()


asyncio.run(_main())
