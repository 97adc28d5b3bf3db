"""`duihua serve`."""

import gc

from duihua.cli.options import config_of, refusals_in_words, takes_config


@takes_config
def serve(**options: str | None) -> None:
    """Serve the API and what belongs to it; creates or upgrades the database first."""
    # Nothing of what is loaded now is garbage; looking for it is a fifth of the start. `Server` enables it.
    gc.disable()
    from duihua.core import logging
    from duihua.serving import serve as run

    config = config_of(options)
    logging.configure(config.log_format, config.log_level)
    with refusals_in_words():
        run(config)
