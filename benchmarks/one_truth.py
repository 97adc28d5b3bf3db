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

from benchmarks.fault_cluster import Count, cluster
from benchmarks.guarantees import Row
from tests.faults.driver import Server, servers
from tests.fixtures.client import PatientClient
from tests.fixtures.openapi import Documented
from tests.fixtures.server import documented
from tests.truth.driving import drive


async def followed(given: argparse.Namespace) -> list[Row]:
    """One process on SQLite, and a tenth as many acts at three workers."""
    with tempfile.TemporaryDirectory() as folder:
        async with servers(Path(folder)) as started:
            alone = await _driven("SQLite", await started.start(), Count(given.operations, given.bound * 0.7))
    async with cluster(given) as on:
        several = Count(given.operations // 10, given.bound * 0.3)
        return [alone, await _driven("3 workers", await on.server(), several)]


class _Sampled(Documented):
    """Compares one answer in twenty with the OpenAPI document: the tests do so with every one."""

    def __init__(self) -> None:
        self._whole = documented()

    def check(self, *answer: Any) -> None:
        if random.random() < 0.05:
            self._whole.check(*answer)


async def _driven(where: str, server: Server, wanted: Count) -> Row:
    seed = random.SystemRandom().randrange(10**6)
    promise = f"G7 snapshot + events = fresh fetch, every event as documented: {where}"
    async with aiohttp.ClientSession() as session:
        client = PatientClient(session, f"http://127.0.0.1:{server.port}", _Sampled())
        try:
            found = await drive(client, wanted.wanted, seed, wanted.until)
        except AssertionError as error:
            print(error, flush=True)
            return Row(promise, "0 differences", f"seed {seed}: {error}"[:60], False)
    acts = found.acts.total()
    measured = f"0 in {wanted.of(acts)} acts, {found.compared} times compared, {found.events} events"
    return wanted.completed(Row(promise, "0 differences", measured, True), acts)
