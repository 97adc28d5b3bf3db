"""A migration in a process of its own: what it loads is 8 MB that a server would never give back."""

import os
import subprocess
import sys

import structlog

from duihua.db import migrate

log = structlog.get_logger()


class Migration:
    """Begun where the database is not current; it goes on until `end` waits for it."""

    def __init__(self, url: str) -> None:
        """Raises ValueError or MigrationError: the URL names no database, or PostgreSQL does not answer."""
        self._process: subprocess.Popen[str] | None = None
        if not migrate.is_current(url):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "duihua", "migrate"],
                env={**os.environ, "DATABASE_URL": url},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

    def end(self) -> None:
        """The database is current. Raises MigrationError: nothing was changed."""
        if self._process is None:
            return
        report, refusal = self._process.communicate()
        if self._process.returncode:
            raise migrate.MigrationError(refusal.strip().removeprefix("duihua: "))
        log.info("database migrated", report=report.strip())
