"""Brings the database to this version: `python run_migration.py [DATABASE_URL]`, safe to repeat."""

import argparse
import sys

from duihua.core.config import Config
from duihua.db import migrate

_STATES = {
    migrate.State.CURRENT: "current: there is nothing to do",
    migrate.State.EMPTY: "empty: run_migration.py makes the schema",
    migrate.State.UPGRADABLE: "older: run_migration.py upgrades it in place and keeps every row",
    migrate.State.UNKNOWN: "unknown: it is left alone",
}


def main() -> int:
    """Do what the command line says; 0 where the database is current afterwards."""
    options = _parser().parse_args()
    if options.sql:
        sys.stdout.write(migrate.render_sql(options.sql))
        return 0
    try:
        url = options.url or Config.model_validate({}).resolved_database_url
        if options.check:
            return _check(url)
        sys.stdout.write(f"{migrate.upgrade(url)}\n")
    except (migrate.MigrationError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "url",
        nargs="?",
        metavar="DATABASE_URL",
        help="sqlite:///… or postgresql://…; default: as configured",
    )
    parser.add_argument("--check", action="store_true", help="only say what it is; exit code 0 if current")
    parser.add_argument(
        "--sql",
        nargs="?",
        choices=("sqlite", "postgresql"),
        const="postgresql",
        help="only print the schema of an empty database as SQL",
    )
    return parser


def _check(url: str) -> int:
    found = migrate.examine(url)
    sys.stdout.write(f"{_STATES[found.state]}{found.reason and f' ({found.reason})'}\n")
    return 0 if found.state is migrate.State.CURRENT else 1


if __name__ == "__main__":
    sys.exit(main())
