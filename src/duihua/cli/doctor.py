"""`duihua doctor`."""

import asyncio
from functools import partial
from typing import Annotated

import typer

from duihua.cli.options import config_of, refusals_in_words


def doctor(
    database_url: Annotated[
        str | None, typer.Argument(help="default: DATABASE_URL or the SQLite file")
    ] = None,
) -> None:
    """Compare the index of search with what is stored and correct it; the server may go on meanwhile."""
    from rich.progress import Progress

    from duihua.db.migrate import is_current
    from duihua.db.session import open_database
    from duihua.search_index import rebuilding

    url = database_url or config_of({}).resolved_database_url

    async def heal() -> dict[str, rebuilding.Finding]:
        database = open_database(url)
        try:
            with Progress() as bar:
                tasks = {kind: bar.add_task(kind, total=None) for kind in rebuilding.KINDS}
                return {
                    kind: await rebuilding.heal(database, kind, partial(bar.advance, task))
                    for kind, task in tasks.items()
                }
        finally:
            await database.close()

    with refusals_in_words():
        if not is_current(url):
            raise ValueError("the database is not of this version; `duihua migrate` makes it so")
        for kind, found in asyncio.run(heal()).items():
            made = f"made anew, because {found.reason}" if found.reason else f"{found.corrected} were wrong"
            typer.echo(f"{found.seen} {kind}: {made}")
