"""What is counted where, under the names that Prometheus is told."""

import os
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from duihua import __version__
from duihua.db.session import Database
from duihua.generation.engine import Engine
from duihua.http.request_counts import BUCKETS, RequestCounts
from duihua.live.follow import Live
from duihua.metrics.exposition import Family, Sample
from duihua.providers.registry import Registry

_PROC = Path("/proc/self")
_STARTED = time.time()


def of_server(state: Any) -> list[Family]:
    """Everything, from the application's state."""
    return [
        *of_requests(state.requests),
        *of_generations(state.engine),
        *of_streams(state.engine, state.live),
        *of_providers(state.registry),
        *of_database(state.database),
        *of_process(),
    ]


def of_requests(requests: RequestCounts) -> Iterator[Family]:
    """Every request that was answered, or whose answer has begun."""
    yield Family(
        "duihua_http_requests_total",
        "counter",
        "Answered requests.",
        [
            Sample(count, {"method": method, "route": route, "status": str(status)})
            for (method, route, status), count in requests.answered.items()
        ],
    )
    yield Family(
        "duihua_http_request_duration_seconds",
        "histogram",
        "From a request to the beginning of its answer; a stream begins with its first event.",
        _durations(requests),
    )


def _durations(requests: RequestCounts) -> Iterator[Sample]:
    for (method, route), durations in requests.durations.items():
        labels = {"method": method, "route": route}
        ends = [*map(str, BUCKETS), "+Inf"]
        for end, count in zip(ends, accumulate(durations.counts), strict=True):
            yield Sample(count, labels | {"le": end}, "_bucket")
        yield Sample(durations.total, labels, "_sum")
        yield Sample(sum(durations.counts), labels, "_count")


def of_generations(engine: Engine) -> Iterator[Family]:
    """The runs of this process."""
    ended, journal = engine.ended, engine.journal
    yield Family(
        "duihua_generations_running", "gauge", "Replies being generated here.", [Sample(len(engine.alive))]
    )
    yield Family(
        "duihua_generations_total",
        "counter",
        "Replies that ended here.",
        [Sample(count, {"state": state}) for state, count in ended.states.items()],
    )
    yield Family(
        "duihua_upstream_errors_total",
        "counter",
        "Replies that a provider failed to give.",
        [Sample(count, {"error": code}) for code, count in ended.upstream_errors.items()],
    )
    yield Family(
        "duihua_tokens_total",
        "counter",
        "Tokens, as providers counted them.",
        [Sample(count, {"kind": kind}) for kind, count in ended.tokens.items()],
    )
    yield Family("duihua_journal_commits_total", "counter", "Group commits.", [Sample(journal.commits)])
    yield Family("duihua_journal_events_total", "counter", "Events in them.", [Sample(journal.events)])


def of_streams(engine: Engine, live: Live) -> Iterator[Family]:
    """Who listens."""
    counts = {"reply": engine.feeds.followed, "changes": live.followed}
    yield Family(
        "duihua_event_streams_open",
        "gauge",
        "Open event streams.",
        [Sample(count, {"kind": kind}) for kind, count in counts.items()],
    )


def of_providers(registry: Registry) -> Iterator[Family]:
    """Who does not answer."""
    yield Family(
        "duihua_providers_paused",
        "gauge",
        "Connections to providers that are left alone, because they did not answer.",
        [Sample(registry.transport.breakers.paused)],
    )


def of_database(db: Database) -> Iterator[Family]:
    """How busy the database is."""
    yield Family(
        "duihua_database_units",
        "gauge",
        "Units of work under way or waiting for their turn.",
        [Sample(db.under_way.count, {"dialect": db.dialect})],
    )


def of_process() -> Iterator[Family]:
    """What the process takes, under the names that all exporters use. Where there is no /proc, less."""
    yield Family("duihua_info", "gauge", "Which version.", [Sample(1, {"version": __version__})])
    yield Family("process_cpu_seconds_total", "counter", "CPU time.", [Sample(time.process_time())])
    yield Family("process_start_time_seconds", "gauge", "Unix time of the start.", [Sample(_STARTED)])
    if not _PROC.exists():
        return
    pages = int(Path(_PROC, "statm").read_text("ascii").split()[1])
    resident = pages * os.sysconf("SC_PAGE_SIZE")
    yield Family("process_resident_memory_bytes", "gauge", "Resident memory.", [Sample(resident)])
    yield Family(
        "process_open_fds", "gauge", "Open files.", [Sample(sum(1 for _ in (_PROC / "fd").iterdir()))]
    )
