"""Two people at one archive, and one who follows: after every burst, what is followed is what is fetched."""

import asyncio
import math
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import NamedTuple

import aiohttp

from tests.fixtures.client import Client
from tests.truth.acts import Person
from tests.truth.followed import Followed, newest
from tests.truth.state import State, differences, fetched

MOST_AT_ONCE = 16


class Driven(NamedTuple):
    """What was done, how often what was followed was compared, and what it was told."""

    acts: Counter[str]
    compared: int
    events: int


async def drive(client: Client, operations: int, seed: int, until: float = math.inf) -> Driven:
    """So many acts, by two people at once, each on connections of their own; until then at most.

    Raises:
        AssertionError: with the differences, the seed, and what was done last.
    """
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        people = [Person(await _own(stack, client), chance, await fetched(client)) for _ in range(2)]
        followed = await Followed.begin(await _own(stack, client))
        compared = 0
        while _done(people) < operations and time.monotonic() < until:
            if chance.random() < 0.3:
                await followed.listen()
            each = chance.randint(1, MOST_AT_ONCE)
            await asyncio.gather(*(_acts(person, each) for person in people))
            fresh, wrong = await _settled(client, followed)
            assert not wrong, "\n".join(
                [f"seed {seed}, after {_done(people)} acts:", *wrong[:10], *_did(people)]
            )
            compared += 1
            for person in people:
                person.seen = fresh
                person.did.clear()
        followed.hang_up()
    return Driven(sum((person.counts for person in people), Counter()), compared, followed.heard)


async def _own(stack: AsyncExitStack, client: Client) -> Client:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    return type(client)(session, client.origin, client._documented)


async def _acts(person: Person, number: int) -> None:
    for _ in range(number):
        await person.act()


def _done(people: list[Person]) -> int:
    """Of what they tried, what there was something to be done to."""
    return sum(person.counts.total() for person in people)


def _did(people: list[Person]) -> list[str]:
    return [f"{number}: {act}" for number, person in enumerate(people, start=1) for act in person.did]


async def _settled(client: Client, followed: Followed) -> tuple[State, list[str]]:
    """A fetch during which nothing was told, and what is otherwise in what was followed up to then."""
    async with asyncio.timeout(60):
        while True:
            await followed.catch_up(await newest(client))
            fresh = await fetched(client)
            wrong = differences(followed.state(), fresh) + followed.told_otherwise(fresh)
            wrong += await followed.running_otherwise(fresh)
            if await newest(client) == followed.last:
                return fresh, wrong
