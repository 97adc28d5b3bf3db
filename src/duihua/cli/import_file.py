"""`duihua import`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from duihua.cli.options import config_of, refusals_in_words
from duihua.vocabulary import Duplicates


def import_file(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="json, jsonl or zip, also of other programs"),
    ],
    duplicates: Annotated[
        Duplicates,
        typer.Option(help="what is there: skip, update (add what it lacks) or copy"),
    ] = Duplicates.SKIP,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell what would be done")] = False,
) -> None:
    """Import exported conversations; what is there stays as it is. A SQLite file must not be served."""
    from rich.progress import Progress

    from duihua.app import open_uploads
    from duihua.db.lock import sole_server
    from duihua.db.migrate import upgrade
    from duihua.transfer.importing import into_database
    from duihua.transfer.storing import Choice

    config = config_of({})
    url = config.resolved_database_url
    with refusals_in_words(), sole_server(url), Progress() as bar:
        upgrade(url)
        task = bar.add_task(file.name, total=file.stat().st_size)
        uploads = partial(open_uploads, config)
        choice = Choice(None, duplicates, dry_run)
        report = into_database(url, file, choice, lambda done, _: bar.update(task, completed=done), uploads)
        bar.update(task, completed=file.stat().st_size)
    for problem in report["errors"]:
        typer.echo(f"{problem['place']} {problem['title'] or ''}: {problem['message']}", err=True)
    told = "{imported} imported, {updated} updated, {skipped} skipped, {failed} failed".format_map(report)
    typer.echo(f"nothing was changed; it would be: {told}" if dry_run else told)
    if report["failed"]:
        raise typer.Exit(1)
