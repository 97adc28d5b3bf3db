"""G7: a snapshot and what was told since are what a fresh fetch gives, whatever two clients do meanwhile."""

import random

from tests.fixtures.client import Client
from tests.truth.acts import WEIGHTS
from tests.truth.driving import drive

OPERATIONS = 200


async def test_what_is_followed_is_what_is_fetched(client: Client) -> None:
    driven = await drive(client, OPERATIONS, random.SystemRandom().randrange(10**6))
    assert driven.acts.total() >= OPERATIONS * 0.9
    assert driven.events > OPERATIONS // 2
    kinds = {name.partition(" ")[0] for name in driven.acts}
    assert len(kinds) >= len(WEIGHTS) * 0.8, f"only {kinds}"
