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
    recount: Annotated[
        bool, typer.Option("--recount", help="count statistics anew if they are wrong; writes wait meanwhile")
    ] = False,
) -> None:
    """Compare search and statistics with what is stored; correct search, while the server goes on."""
    from duihua.db.migrate import is_current

    url = database_url or config_of({}).resolved_database_url
    with refusals_in_words():
        if not is_current(url):
            raise ValueError("the database is not of this version; `duihua migrate` makes it so")
        for line in asyncio.run(_heal(url, recount=recount)):
            typer.echo(line)


async def _heal(url: str, *, recount: bool) -> list[str]:
    from rich.progress import Progress

    from duihua.db.session import open_database
    from duihua.search_index import rebuilding
    from duihua.statistics import service as statistics

    database = open_database(url)
    said = []
    try:
        with Progress() as bar:
            tasks = {kind: bar.add_task(kind, total=None) for kind in rebuilding.KINDS}
            for kind, task in tasks.items():
                found = await rebuilding.heal(database, kind, partial(bar.advance, task))
                made = (
                    f"made anew, because {found.reason}" if found.reason else f"{found.corrected} were wrong"
                )
                said.append(f"{found.seen} {kind}: {made}")
        tallies, wrong = await database.read(statistics.differences)
        made = f"{wrong} were wrong"
        if wrong and recount:
            await database.write(statistics.rebuild)
            made += "; counted anew"
        elif wrong:
            made += "; `duihua doctor --recount` counts anew"
        return [*said, f"{tallies} tallies of statistics: {made}"]
    finally:
        await database.close()
