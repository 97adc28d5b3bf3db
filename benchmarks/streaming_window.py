"""A window of time in which every stream is running, and what is spent in it, less what idling takes."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.processes import Stage
from benchmarks.streams import Load, sent_times

_IDLE_SECONDS, _OPENING_SECONDS, _SETTLE_SECONDS, _REST_SECONDS = 1.5, 0.2, 0.7, 2.0
# What a process has spent since it began, or several have: CPU seconds, or instructions.
Meter = Callable[[], float]


class Cost(NamedTuple):
    """What one window cost beyond idling, by its meter, over so many chunks, told in so many events."""

    spent: float
    chunks: int
    events: int

    @property
    def micros(self) -> float:
        """CPU per chunk in microseconds, where it was spent in seconds."""
        return self.spent / self.chunks * 1e6


def chunks_for(rate: float, seconds: float) -> int:
    """So many of each stream outlast a window of that length."""
    return int(rate * (_SETTLE_SECONDS + seconds + _REST_SECONDS))


async def _idle(meter: Meter, seconds: float) -> float:
    """What is spent in a second with nothing to do."""
    before = meter()
    await asyncio.sleep(seconds)
    return (meter() - before) / seconds


async def window(on: Stage, meter: Meter, load: Load, seconds: float, *, slowdown: float = 1) -> Cost:
    """Run a load and measure while all of it is streaming; `slowdown` is how many times slower all is."""
    idle = await _idle(meter, _IDLE_SECONDS * slowdown)
    exchanges = await load.start(over_seconds=_OPENING_SECONDS * slowdown)
    await asyncio.gather(*(exchange.first for exchange in exchanges))
    await asyncio.sleep(_SETTLE_SECONDS * slowdown)
    began, before = time.monotonic(), meter()
    await asyncio.sleep(seconds * slowdown)
    ended, spent = time.monotonic(), meter() - before
    await load.finish(exchanges)
    written = [at for key in load.keys for at in await sent_times(on.upstream.port, key)]
    arrived = [at for exchange in exchanges for at in exchange.times]

    def inside(times: list[float]) -> int:
        return sum(began <= at < ended for at in times)

    return Cost(spent - idle * (ended - began), inside(written), inside(arrived))
