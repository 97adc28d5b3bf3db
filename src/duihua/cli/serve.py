"""`duihua serve`."""

import gc

import typer

from duihua.cli.options import config_of, refusals_in_words, takes_config


@takes_config
def serve(**options: str | None) -> None:
    """Serve the API and what belongs to it; creates or upgrades the database first."""
    # Nothing of what is loaded now is garbage; looking for it is a fifth of the start. `Server` enables it.
    gc.disable()
    from duihua import supervisor
    from duihua.core import logging

    config = config_of(options)
    inherited = supervisor.inherited()
    logging.configure(config.log_format, config.log_level, worker=inherited and inherited.number)
    with refusals_in_words():
        if config.workers > 1 and inherited is None:
            gc.enable()
            if not supervisor.supervise(config):
                raise typer.Exit(1)
        else:
            from duihua.db.migrating import Migration

            # It goes on while the server is imported, which is most of a start.
            migration = Migration(config.resolved_database_url)
            from duihua.serving import serve as run

            migration.end()
            run(config, inherited)
