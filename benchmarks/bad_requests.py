"""Bad input, much of it: no 5xx, nothing of the server's inside in an answer, refused soon, and nobody waits.

Schemathesis makes up so many requests for each route (`tests.api.made_up`, which the tests ask for four),
then comes every body that is no JSON (`tests.api.test_bad_input`) on every route that takes JSON. Told is the
time of each refusal, from the request to its last byte, and by how much the server's event loop was late
meanwhile: measured in the server's process, see `watched_server`.
"""

import argparse
import asyncio
import time
from typing import NamedTuple

import aiohttp
from schemathesis.core.transport import Response

from benchmarks.figures import percentile
from benchmarks.guarantees import Row
from benchmarks.watched_server import Watched, watched_server
from tests.api.made_up import MadeUp, operations
from tests.api.routes import call, json_routes
from tests.api.test_bad_input import bad_json
from tests.fixtures.rows import Owned

_REFUSED_SECONDS, _BLOCKED_SECONDS = 0.25, 0.05
# Nobody's: a body is refused before it is looked for what it is about.
_NOTHING = "0199d0a4-0000-7000-8000-000000000000"


class Heard(NamedTuple):
    """What came of many requests: the seconds of each refusal, and what was wrong."""

    asked: int
    refusals: list[float]
    wrong: list[str]


async def made_up(given: argparse.Namespace) -> list[Row]:
    """Requests that Schemathesis makes up."""
    refusals: list[float] = []

    def heard(answer: Response) -> None:
        if answer.status_code >= 400:
            refusals.append(answer.elapsed)

    async with watched_server() as server:
        await server.now()
        asker = MadeUp(f"http://127.0.0.1:{server.port}", given.examples, heard)
        seen = []
        for number, operation in enumerate(every := operations(), 1):
            await asyncio.to_thread(asker.try_route, operation)
            seen.append(await server.now())
            told = f"{asker.asked} asked, blocked {_blocked(seen[-1])}"
            print(f"    {number}/{len(every)} {operation.label}: {told}", flush=True)
    found = Heard(asker.asked, refusals, asker.wrong)
    worst = max(seen, key=lambda each: each.blocked)
    return _rows(f"{given.examples} made-up requests a route", found, worst)


async def no_json(_: argparse.Namespace) -> list[Row]:
    """Bodies that are no JSON, one after the other."""
    async with (
        watched_server() as server,
        aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session,
    ):
        await server.now()
        refusals, wrong = [], []
        own = Owned(*[_NOTHING] * len(Owned._fields))
        for route in json_routes():
            method, path, body = call(route, route.least(own))
            for note, raw in bad_json(body or {"a": 1}).items():
                began = time.monotonic()
                headers = {"Content-Type": "application/json"}
                async with session.request(method, path, data=raw, headers=headers) as answer:
                    told = await answer.read()
                refusals.append(time.monotonic() - began)
                if answer.status != 422:
                    wrong.append(f"{route} {note}: {answer.status} {told!r:.200}")
        seen = await server.now()
    return _rows("bodies that are no JSON", Heard(len(refusals), refusals, wrong), seen)


def _blocked(seen: Watched) -> str:
    computing, collecting = seen.computing * 1000, seen.collecting * 1000
    return f"{seen.blocked * 1000:.0f} ms ({computing:.0f} ms computing, {collecting:.0f} collecting garbage)"


def _rows(what: str, heard: Heard, seen: Watched) -> list[Row]:
    for problem in heard.wrong[:10]:
        print(f"  {problem[:1500]}", flush=True)
    p99 = percentile(heard.refusals, 99)
    return [
        Row(
            f"G12 {what}: 5xx, undocumented, or with a traceback, path or SQL",
            "0",
            f"{len(heard.wrong)} of {heard.asked}",
            not heard.wrong,
        ),
        Row(
            f"G12 {what}: refused, p99",
            f"<= {_REFUSED_SECONDS * 1000:g} ms",
            f"{p99 * 1000:.1f} ms of {len(heard.refusals)}",
            p99 <= _REFUSED_SECONDS,
        ),
        Row(
            f"G12 {what}: event loop blocked",
            f"<= {_BLOCKED_SECONDS * 1000:g} ms",
            _blocked(seen),
            seen.blocked <= _BLOCKED_SECONDS,
        ),
    ]
