"""Brings a database to this program's schema: makes it, upgrades it in place, or says why it will not.

All of it is synchronous. From a running event loop: `await asyncio.to_thread(migrate.upgrade, url)`.
"""

import filecmp
import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError, ProgrammingError

from duihua.db.at_rest import WAIT_SECONDS, file_of, named, open_file, parse, transact
from duihua.db.at_rest import MigrationError as MigrationError

if TYPE_CHECKING:
    from alembic.config import Config

# Known here so that start-up need not import Alembic; a test compares it with the newest revision.
HEAD = "duihua_0001"
_ADVISORY_LOCK = int.from_bytes(b"duihua", "big")
_VERSION = "SELECT version_num FROM alembic_version"


class UnknownSchema(MigrationError):
    """What is in the database was made neither by this program nor by the older deployment."""


class State(StrEnum):
    """What a database is to this program."""

    CURRENT = "current"
    EMPTY = "empty"
    UPGRADABLE = "upgradable"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """A database as it was found: its revision, if it has one, and why it is unknown, if it is."""

    state: State
    revision: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class MigrationReport:
    """What an upgrade found and did; `rows` counts those of each table that was there before."""

    found: Finding
    backup: Path | None = None
    rows: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.found.state is State.CURRENT:
            return f"The database is current (revision {HEAD}); nothing was changed."
        rows = ", ".join(f"{count} of {table}" for table, count in self.rows.items())
        kept = f"; every row was kept: {rows}" if rows else ""
        backup = f"; what was there before is in {self.backup}, complete and verified" if self.backup else ""
        return f"The database is now at revision {HEAD}{kept}{backup}."


def is_current(url: str) -> bool:
    """Whether there is nothing to do, by one SELECT; False also where `upgrade` would refuse.

    Raises:
        ValueError: the URL names no database that this program can use.
        MigrationError: PostgreSQL does not answer.
    """
    target = parse(url)
    path = file_of(target)
    with named(target):
        try:
            if path is None:
                held = transact(target, lambda connection: connection.scalars(text(_VERSION)).all())
            else:
                with closing(open_file(path, "ro")) as connection:
                    held = [revision for (revision,) in connection.execute(_VERSION)]
        except (ProgrammingError, sqlite3.DatabaseError):
            # No such table, file or database: `upgrade` finds out which.
            return False
    return held == [HEAD]


def check(url: str) -> State:
    """What the database is, without changing it. Raises as `examine`, which also says why."""
    return examine(url).state


def examine(url: str) -> Finding:
    """What the database is, and why, without changing it.

    Raises:
        ValueError: the URL names no database that this program can use.
        MigrationError: it does not answer.
    """
    target = parse(url)
    path = file_of(target)
    with named(target):
        if path is not None and not (path.exists() and path.stat().st_size):
            return Finding(State.EMPTY)
        try:
            return transact(target, _examine)
        except DatabaseError as error:
            if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_NOTADB:
                raise
            return Finding(State.UNKNOWN, None, f"{path} is not an SQLite database")


def upgrade(url: str) -> MigrationReport:
    """Make the database current, in one transaction; an SQLite file that holds anything is backed up first.

    Safe to repeat, and to call from several processes at once: one works, the others wait for it.

    Raises:
        ValueError: the URL names no database that this program can use.
        UnknownSchema: there is something else in it; nothing was changed.
        MigrationError: it could not be done (no room, no permission, no answer); nothing was changed.
    """
    target = parse(url)
    path = file_of(target)
    with named(target):
        if path is not None:
            # Read first: opened for writing, even a refused file might be tidied up by SQLite.
            found = _accepted(examine(url))
            if found.state is State.CURRENT:
                return MigrationReport(found)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        return transact(target, partial(_upgrade, path=path), writing=True)


def render_sql(dialect: Literal["sqlite", "postgresql"]) -> str:
    """The SQL that makes the schema in an empty database, with what the tables and columns are for."""
    from alembic import command

    config = _config(dialect=dialect, output=StringIO())
    command.upgrade(config, "head", sql=True)
    return str(config.attributes["output"].getvalue())


def _upgrade(connection: Connection, path: Path | None) -> MigrationReport:
    from alembic import command

    if path is None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    found = _accepted(_examine(connection))
    if found.state is State.CURRENT:
        return MigrationReport(found)
    tables = set(inspect(connection).get_table_names())
    backup = _back_up(path, found.revision or "legacy") if path and tables else None
    config = _config(connection=connection)
    command.upgrade(config, "head")
    return MigrationReport(found, backup, config.attributes["rows"])


def _examine(connection: Connection) -> Finding:
    from alembic.script import ScriptDirectory

    tables = set(inspect(connection).get_table_names())
    held = connection.scalars(text(_VERSION)).all() if "alembic_version" in tables else []
    if held == [HEAD]:
        return Finding(State.CURRENT, HEAD)
    revisions = list(ScriptDirectory.from_config(_config()).walk_revisions())
    if held:
        revision = ", ".join(held)
        if any(revision == known.revision for known in revisions):
            return Finding(State.UPGRADABLE, revision)
        return Finding(State.UNKNOWN, revision, f"its revision {revision} is none of this program's")
    first = revisions[-1].module
    if reason := first.refusal(connection):
        return Finding(State.UNKNOWN, None, reason)
    return Finding(State.UPGRADABLE if tables.intersection(first.TABLES) else State.EMPTY)


def _accepted(found: Finding) -> Finding:
    if found.state is not State.UNKNOWN:
        return found
    newer = "If a newer version of Duihua made it, run that version. " if found.revision else ""
    raise UnknownSchema(
        f"This program does not know what is in the database: {found.reason}. Nothing was changed. {newer}"
        "Point DATABASE_URL at another database, or move what is there out of the way, then run this again."
    )


def _back_up(path: Path, name: str) -> Path:
    """A verified copy beside the file, of the state that the caller's write lock keeps.

    Where an upgrade was killed, its copy is there already: whoever is started again and again keeps one.
    """
    for cut_short in path.parent.glob(f"{path.name}.backup-*.partial*"):
        cut_short.unlink()
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    backup = path.with_name(f"{path.name}.backup-{name}-{moment}")
    partial_copy = backup.with_name(backup.name + ".partial")
    os.close(os.open(partial_copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(open_file(path, "ro")) as source, closing(open_file(partial_copy, "rw")) as copy:
            source.backup(copy)
            # One file that can be moved about, even if the source keeps a write-ahead log.
            copy.execute("PRAGMA journal_mode = DELETE")
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise MigrationError(f"{path} is damaged ({verdict}); nothing was changed. Restore a backup.")
        for earlier in path.parent.glob(f"{path.name}.backup-{name}-*Z"):
            if filecmp.cmp(earlier, partial_copy, shallow=False):
                return earlier
        partial_copy.rename(backup)
    finally:
        partial_copy.unlink(missing_ok=True)
    return backup


def _config(**attributes: object) -> "Config":
    from alembic.config import Config

    # A checkout has the migrations at its root, an installed package inside itself.
    places = (Path(__file__).parents[1] / "migrations", Path(__file__).parents[3] / "migrations")
    location = next(place for place in places if (place / "env.py").exists())
    if str(location) not in sys.path:
        # What a revision is made of is imported from beside it.
        sys.path.append(str(location))
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    return config
