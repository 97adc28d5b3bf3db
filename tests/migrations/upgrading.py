"""Upgrades in a process of its own, which can be killed: `python -m tests.migrations.upgrading URL [N]`.

With N, the process kills itself just before its N-th statement; it prints how many there were.
"""

import os
import signal
import sys

from sqlalchemy import Engine, event

from duihua.db import migrate


def main(url: str, last: int | None) -> None:
    """Upgrade, or die trying."""
    count = 0

    def before(*_: object) -> None:
        nonlocal count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "commit", before)
    migrate.upgrade(url)
    sys.stdout.write(f"{count}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
