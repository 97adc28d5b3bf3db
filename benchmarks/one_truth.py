"""Random acts of two people at one archive: who only follows what is told has what a fresh fetch gives.

Each act is one request of `tests.truth.acts`. After every burst of them the follower fetches what events
named since the last one, and nothing else; that is compared with everything, fetched anew.
"""

import argparse
import random
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.fault_cluster import cluster
from benchmarks.guarantees import Row
from tests.faults.driver import Server, servers
from tests.fixtures.client import Client
from tests.fixtures.openapi import Documented
from tests.fixtures.server import documented
from tests.truth.driving import Driven, drive

_PROMISE = "G7 snapshot + events = fresh fetch, every event as documented"


async def followed(given: argparse.Namespace) -> list[Row]:
    """One process on SQLite, and a tenth as many acts at three workers."""
    with tempfile.TemporaryDirectory() as folder:
        async with servers(Path(folder)) as started:
            alone = await _driven(await started.start(), given.operations)
    async with cluster(given) as on:
        together = await _driven(await on.server(), given.operations // 10)
    return [_row("SQLite", alone), _row("3 workers", together)]


class _Sampled(Documented):
    """Compares one answer in twenty with the OpenAPI document: the tests do so with every one."""

    def __init__(self) -> None:
        self._whole = documented()

    def check(self, *answer: Any) -> None:
        if random.random() < 0.05:
            self._whole.check(*answer)


async def _driven(server: Server, operations: int) -> Driven | str:
    seed = random.SystemRandom().randrange(10**6)
    async with aiohttp.ClientSession() as session:
        client = Client(session, f"http://127.0.0.1:{server.port}", _Sampled())
        try:
            return await drive(client, operations, seed)
        except AssertionError as error:
            print(error, flush=True)
            return f"seed {seed}: {error}"


def _row(where: str, found: Driven | str) -> Row:
    if isinstance(found, str):
        return Row(f"{_PROMISE}: {where}", "0 differences", found[:60], False)
    measured = f"0 in {found.acts.total()} acts, {found.compared} times compared, {found.events} events"
    return Row(f"{_PROMISE}: {where}", "0 differences", measured, True)
