"""What commands have in common: the configuration as options, and refusals in words."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from duihua.core.config import Config


def takes_config(command: Any) -> Any:
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


def config_of(options: dict[str, str | None]) -> Config:
    """Read the configuration: these options, else the environment, else `.env`."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    try:
        return Config(**given)
    except ValidationError as error:
        for problem in error.errors():
            typer.echo(f"duihua: {'.'.join(map(str, problem['loc']))}: {problem['msg']}", err=True)
        raise typer.Exit(2) from error


@contextmanager
def refusals_in_words() -> Iterator[None]:
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
