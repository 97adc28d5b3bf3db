"""How long statistics take over an archive of a million messages.

    python -m benchmarks.statistics [--messages 1000000] [--requests 40] [--database postgresql://...]

The archive lies in three years, eight groups and three models; it is written by SQL and then counted, as
`statistics.service.rebuild` does. Each time range is asked over HTTP, in zones before, at and behind UTC.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator

import uvloop
from sqlalchemy import text

from benchmarks.api import Api
from benchmarks.databases import temporary_database
from benchmarks.figures import percentile, table, verdict
from benchmarks.processes import Setting, stage
from duihua.db import migrate
from duihua.db.session import Session, open_database
from duihua.statistics import service

MOST_MS = 50.0
_RANGES = ("day", "week", "month", "year", "all")
_ZONES = ("Asia/Shanghai", "UTC", "America/Los_Angeles")
_TURNS = 10
_YEARS = 3
_AT_ONCE = 50_000
_MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', 'now', '-' || CAST({} AS INTEGER) || ' seconds')",
    "postgresql": "now() - CAST({} AS INTEGER) * interval '1 second'",
}


def _statements(dialect: str, messages: int) -> Iterator[str]:
    moment = _MOMENT[dialect]
    chats = messages // _TURNS
    pause = _YEARS * 365 * 86_400 / chats
    begun = moment.format(f"(i * {pause})")
    said = moment.format(f"((i + {_TURNS - 1}) / {_TURNS} * {pause} - i % {_TURNS} * 20)")
    yield (
        "INSERT INTO chat_groups (id, user_id, name, created_at, updated_at) "
        + _numbers(1, 7)
        + f"SELECT 1 + i, 1, 'group ' || i, {begun}, {begun} FROM n"
    )
    for first in range(1, chats, _AT_ONCE // _TURNS):
        last = min(chats, first + _AT_ONCE // _TURNS - 1)
        yield (
            "INSERT INTO conversations (id, uuid, user_id, group_id, title, created_at, updated_at) "
            + _numbers(first, last)
            + f"SELECT i, 'chat-' || i, 1, 1 + i % 8, 'title', {begun}, {begun} FROM n"
        )
        yield (
            "INSERT INTO messages (id, uuid, user_id, conversation_id, depth, role, content, model_id, "
            "token_count, character_count, created_at, updated_at) "
            + _numbers((first - 1) * _TURNS + 1, last * _TURNS)
            + f"SELECT i, 'message-' || i, 1, (i + {_TURNS - 1}) / {_TURNS}, i % {_TURNS}, "
            "CASE WHEN i % 2 = 0 THEN 'assistant' ELSE 'user' END, '好', "
            f"CASE WHEN i % 2 = 0 THEN 'model-' || i % 3 END, 10, 20, {said}, {said} FROM n"
        )


def _numbers(first: int, last: int) -> str:
    return f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "


def _execute(session: Session, statement: str) -> None:
    session.execute(text(statement))


async def _archive(url: str, messages: int) -> float:
    """Make the archive; seconds that counting it took."""
    await asyncio.to_thread(migrate.upgrade, url)
    db = open_database(url, synchronous="normal")
    try:
        for statement in _statements(db.dialect, messages):
            await db.write(_execute, statement)
        began = time.monotonic()
        await db.write(service.rebuild)
        return time.monotonic() - began
    finally:
        await db.close()


async def measure(where: str, messages: int, requests: int) -> int:
    """Ask; print the table."""
    times: dict[str, list[float]] = {time_range: [] for time_range in _RANGES}
    async with temporary_database(where) as given, stage() as on:
        url = given.environment.get("DATABASE_URL", f"sqlite:///{on.folder}/archive.db")
        counting = await _archive(url, messages)
        server = await on.start_server(setting=Setting({"DATABASE_URL": url}))
        async with Api(server.port) as api:
            for number in range(requests):
                for time_range in _RANGES:
                    zone = _ZONES[number % len(_ZONES)]
                    began = time.monotonic()
                    data = await api.call("GET", f"/chat/statistics?timeRange={time_range}&tz={zone}")
                    times[time_range].append((time.monotonic() - began) * 1000)
        await server.stop()
    found = data["overview"]["message_count"]
    rows = [
        (name, *(f"{percentile(values, percent):.1f}" for percent in (50, 95)), f"{max(values):.1f}")
        for name, values in times.items()
    ]
    title = f"Statistics of {messages:,} messages, {requests} requests each; counted in {counting:.1f} s"
    table(title, ("time range", "p50 ms", "p95 ms", "most ms"), rows)
    return verdict(
        [
            (f"all {messages:,} messages were counted: {found:,}", found == messages),
            *(
                (f"{name}: p95 at most {MOST_MS:g} ms", percentile(values, 95) <= MOST_MS)
                for name, values in times.items()
            ),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--database", default="sqlite", help="sqlite, or a URL beside which one is made")
    given = parser.parse_args()
    return uvloop.run(measure(given.database, given.messages, given.requests))


if __name__ == "__main__":
    sys.exit(main())
