"""The command line: `duihua serve`, `duihua migrate`, `duihua import`."""

import gc
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from duihua.core.config import Config

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Duihua 对话: self-hosted AI chat.")


def _takes_config(command: Any) -> Any:
    """Give a command one option for each field of `Config`, of the same name, passed on as `options`."""
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None, typer.Option(f"--{name.replace('_', '-')}", help=field.description)
            ],
        )
        for name, field in Config.model_fields.items()
    ]
    command.__signature__ = inspect.Signature(options)
    command.__annotations__ = {option.name: option.annotation for option in options}
    return command


def _config(options: dict[str, str | None]) -> Config:
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    try:
        return Config(**given)
    except ValidationError as error:
        for problem in error.errors():
            typer.echo(f"duihua: {'.'.join(map(str, problem['loc']))}: {problem['msg']}", err=True)
        raise typer.Exit(2) from error


@app.command()
@_takes_config
def serve(**options: str | None) -> None:
    """Serve the API and what belongs to it; creates or upgrades the database first."""
    # Nothing of what is loaded now is garbage; looking for it is a fifth of the start. `Server` enables it.
    gc.disable()
    from duihua.core import logging
    from duihua.serving import serve as run

    config = _config(options)
    logging.configure(config.log_format, config.log_level)
    with _refusals_in_words():
        run(config)


@app.command()
def migrate(
    database_url: Annotated[
        str | None, typer.Argument(help="default: DATABASE_URL or the SQLite file")
    ] = None,
) -> None:
    """Create or upgrade the database, and nothing else; a SQLite file is copied first."""
    from duihua.db.lock import sole_server
    from duihua.db.migrate import upgrade

    url = database_url or _config({}).resolved_database_url
    with _refusals_in_words(), sole_server(url):
        typer.echo(upgrade(url))


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="json, jsonl or zip of ours")],
) -> None:
    """Import exported conversations; what is there stays as it is. A SQLite file must not be served."""
    from rich.progress import Progress

    from duihua.db.lock import sole_server
    from duihua.db.migrate import upgrade
    from duihua.transfer.importing import into_database

    url = _config({}).resolved_database_url
    with _refusals_in_words(), sole_server(url), Progress() as bar:
        upgrade(url)
        task = bar.add_task(file.name, total=file.stat().st_size)
        report = into_database(url, file, lambda done, _: bar.update(task, completed=done))
        bar.update(task, completed=file.stat().st_size)
    for problem in report["errors"]:
        typer.echo(f"{problem['place']} {problem['title'] or ''}: {problem['message']}", err=True)
    typer.echo("{imported} imported, {skipped} skipped, {failed} failed".format_map(report))
    if report["failed"]:
        raise typer.Exit(1)


@contextmanager
def _refusals_in_words() -> Iterator[None]:
    """End the command with the sentence of an expected refusal, not with a traceback."""
    from duihua.core.errors import AppError
    from duihua.core.i18n import translate
    from duihua.db.lock import DatabaseInUse
    from duihua.db.migrate import MigrationError

    try:
        yield
    except AppError as error:
        typer.echo(f"duihua: {translate(error.code, 'en', **error.values)}", err=True)
        raise typer.Exit(1) from error
    except (DatabaseInUse, MigrationError, ValueError) as error:
        typer.echo(f"duihua: {error}", err=True)
        raise typer.Exit(1) from error


def main() -> None:
    """Run the command line."""
    app()
