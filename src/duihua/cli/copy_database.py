"""`duihua copy`."""

from typing import Annotated

import typer

from duihua.cli.options import config_of, refusals_in_words


def copy_database(
    target: Annotated[str, typer.Argument(help="an empty database: postgresql://… or sqlite:///…")],
) -> None:
    """Copy the database into another, empty one, ids and all; it is only read, and must not be served."""
    from rich.progress import Progress

    from duihua.db.copying import copy
    from duihua.db.lock import sole_server
    from duihua.models import User
    from duihua.search_index.rebuilding import DERIVED

    source = config_of({}).resolved_database_url
    with refusals_in_words(), sole_server(source), sole_server(target), Progress() as bar:
        task = bar.add_task("rows", total=None)
        counts = copy(source, target, User.metadata, DERIVED, lambda _, rows: bar.advance(task, rows))
    typer.echo(", ".join(f"{count} of {table}" for table, count in counts.items() if count))
    typer.echo(
        "All is copied. Files and the key stay in the data folder. Now set DATABASE_URL and start the server."
    )
