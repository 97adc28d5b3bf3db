"""`duihua export`."""

import asyncio
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from duihua.cli.options import config_of, refusals_in_words
from duihua.schemas.transfer import ExportFormat, ExportOptions

if TYPE_CHECKING:
    from rich.progress import Progress

    from duihua.core.config import Config
    from duihua.transfer.exporting import Read, Wanted


def export(
    file: Annotated[Path | None, typer.Argument(help="default: standard output", dir_okay=False)] = None,
    conversation: Annotated[
        list[str] | None, typer.Option(help="uuid; may be repeated; default: every conversation")
    ] = None,
    format_: Annotated[
        ExportFormat, typer.Option("--format", help="json can be imported; the others are for people")
    ] = "json",
    system_messages: Annotated[bool, typer.Option(help="the system's messages, too")] = True,
    branches: Annotated[
        bool | None,
        typer.Option(help="every version, or only what is shown; default: json has every version"),
    ] = None,
    attachments: Annotated[
        bool, typer.Option(help="json has the contents of files, or only their names")
    ] = True,
) -> None:
    """Export one conversation as a file, several or all as a zip. A server may run meanwhile."""
    from rich.console import Console
    from rich.progress import Progress

    from duihua.db.migrate import is_current

    config, named = config_of({}), conversation or []
    options = ExportOptions(
        format=format_, include_system_messages=system_messages, branches=branches, attachments=attachments
    )
    url = config.resolved_database_url
    if file is None and len(named) != 1 and sys.stdout.isatty():
        raise typer.BadParameter("name a file: a zip is nothing for a terminal")
    with refusals_in_words():
        if not is_current(url):
            raise ValueError("the database is not there, or not of this version: duihua migrate")
        with _destination(file) as out, Progress(console=Console(stderr=True)) as bar:
            count = asyncio.run(_write(config, named, options, out, bar))
    typer.echo(f"{count} exported", err=True)


async def _write(
    config: "Config", named: Sequence[str], options: ExportOptions, out: BinaryIO, bar: "Progress"
) -> int:
    from duihua.app import open_uploads
    from duihua.core.i18n import preferred_language
    from duihua.db.session import open_database
    from duihua.models.user import LOCAL_USER_ID
    from duihua.settings.service import time_zone
    from duihua.transfer import reading
    from duihua.transfer.exporting import Wanted
    from duihua.transfer.rendering import Reader
    from duihua.transfer.threads import from_thread, pieces_from_thread

    db = open_database(config.resolved_database_url)
    try:
        if named:
            chosen = await db.read(reading.chosen, LOCAL_USER_ID, named)
        else:
            chosen = await db.read(reading.every, LOCAL_USER_ID)
        # zh_CN.UTF-8 is zh-CN here.
        language = preferred_language(os.environ.get("LANG", "").replace("_", "-"))
        reader = Reader(language, await db.read(time_zone, LOCAL_USER_ID))
        files = pieces_from_thread(open_uploads(config, db).storage.open)
        wanted, read = Wanted.of(options, reader, files), from_thread(db.read)
        alone = len(named) == 1
        await asyncio.to_thread(lambda: out.writelines(_pieces(read, chosen, wanted, bar, alone=alone)))
    finally:
        await db.close()
    return len(chosen)


def _pieces(
    read: "Read", chosen: Sequence[str], wanted: "Wanted", bar: "Progress", *, alone: bool
) -> Iterator[bytes]:
    from duihua.models.user import LOCAL_USER_ID
    from duihua.transfer import exporting

    if alone:
        return exporting.one(read, LOCAL_USER_ID, chosen[0], wanted).pieces
    told = bar.track(chosen, description="conversations")
    return exporting.zipped(read, LOCAL_USER_ID, told, wanted)


@contextmanager
def _destination(file: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that is there once it is whole."""
    if file is None:
        yield sys.stdout.buffer
        return
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
