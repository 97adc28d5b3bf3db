"""How the log is written: one line an event, for a person or for a machine."""

import logging
import sys

import structlog
from structlog.typing import Processor


def configure(log_format: str, level: str, worker: int | None = None) -> None:
    """Send our log and the libraries' to standard error, as `console` text or `json`; of which worker."""
    number = logging.getLevelNamesMapping()[level.upper()]
    json = log_format == "json"
    # Neither renderer lets a value break the line: JSON escapes, the console one writes its repr.
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if json else _console()
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if worker is not None:
        shared.append(lambda _, __, event: {"worker": worker, **event})
    tracebacks: list[Processor] = [structlog.processors.format_exc_info] if json else []
    structlog.configure(
        processors=[*shared, *tracebacks, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tracebacks, renderer],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.INFO))
    # Alembic tells each of its plugins; what a migration did, `serving` says.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _console() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
