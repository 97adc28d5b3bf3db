"""`duihua migrate`."""

from typing import Annotated

import typer

from duihua.cli.options import config_of, refusals_in_words


def migrate(
    database_url: Annotated[
        str | None, typer.Argument(help="default: DATABASE_URL or the SQLite file")
    ] = None,
) -> None:
    """Create or upgrade the database, and nothing else; a SQLite file is copied first."""
    from duihua.db.lock import sole_server
    from duihua.db.migrate import upgrade

    url = database_url or config_of({}).resolved_database_url
    with refusals_in_words(), sole_server(url):
        typer.echo(upgrade(url))
