"""`duihua rotate-key`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from duihua.cli.options import config_of, refusals_in_words

if TYPE_CHECKING:
    from duihua.connections.rotating import Progress, Rotated
    from duihua.core.config import Config


def rotate_key(
    forget: Annotated[
        bool,
        typer.Option(help="then remove the former key: older copies of the database cannot be opened by it"),
    ] = False,
) -> None:
    """Encrypt the stored API keys with a new secret key. Servers may run; may be interrupted and repeated."""
    from rich.console import Console
    from rich.progress import Progress

    from duihua.db.migrate import is_current

    config = config_of({})
    with refusals_in_words(), Progress(console=Console(stderr=True), transient=True) as bar:
        if not is_current(config.resolved_database_url):
            raise ValueError("the database is not there, or not of this version: duihua migrate")
        task = bar.add_task("keys", total=None)
        report = asyncio.run(
            _rotate(config, lambda done, of: bar.update(task, completed=done, total=of), forget=forget)
        )
    typer.echo(_words(report))
    if report.unreadable:
        sentence = "{} API keys could not be opened and are as they were: their secret key is not here."
        typer.echo(sentence.format(report.unreadable), err=True)
        raise typer.Exit(1)


async def _rotate(config: "Config", told: "Progress", *, forget: bool) -> "Rotated":
    from duihua.connections import rotating
    from duihua.connections.keys import Keys
    from duihua.db.session import open_database

    db, keys = open_database(config.resolved_database_url), Keys(config)
    try:
        report = await rotating.rotate(db, keys, told)
        if forget and not report.unreadable:
            await rotating.forget_former(db, keys)
    finally:
        await db.close()
    return report


def _words(report: "Rotated") -> str:
    finished = "An interrupted rotation was finished. " if report.resumed else ""
    return f"{finished}{report.renewed} API keys were encrypted with the new secret key."
