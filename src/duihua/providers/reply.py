"""A provider's answer while it arrives: read in pieces, and watched for silence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import ProviderDisconnected, ProviderError, ProviderTimeout


class Wire(NamedTuple):
    """What a reply needs of the HTTP client's response, and nothing else of it."""

    read: Callable[[], Awaitable[bytes]]
    # What had arrived, and not been read, when reading failed.
    rest: Callable[[], bytes]
    # What comes from the network stays in the kernel, for one reading of all of it, until `resume`.
    pause: Callable[[], None]
    resume: Callable[[], None]
    close: Callable[[], None]
    is_closed: Callable[[], bool]
    failures: tuple[type[Exception], ...]


class Reply:
    """The body of one 2xx answer.

    One timer watches it and is not touched by the pieces that arrive: it looks now and then at when
    the last progress was.
    """

    __slots__ = (
        "_ends_at",
        "_idle",
        "_is_reading",
        "_loop",
        "_progress_at",
        "_provider",
        "_quiet",
        "_timeouts",
        "_timer",
        "failure",
        "wire",
    )

    def __init__(self, wire: Wire, endpoint: Endpoint, started: float) -> None:
        """`started` is the loop's time at which the request was made."""
        self.wire = wire
        self._provider = endpoint.provider
        self._timeouts = endpoint.timeouts
        self._loop = asyncio.get_running_loop()
        self._progress_at = started
        self._ends_at = started + self._timeouts.total
        self._quiet = self._timeouts.first_byte
        self._idle = self._timeouts.idle
        self._is_reading = False
        self.failure: ProviderError | None = None
        self._timer = self._loop.call_at(self._next_look(), self._look)

    async def read(self) -> bytes:
        """The next bytes as they came from the network, `b""` at the end.

        Nothing is taken from the network until they are asked for: what has come by then is read at once,
        at the price of one reading.

        An end that came too early is told by `failure`: a ProviderTimeout (no progress for too long, or
        the cap on the whole reply) or a ProviderDisconnected (before the end of the HTTP body).
        """
        if self.failure is not None:
            return b""
        self._is_reading = True
        self.wire.resume()
        try:
            return await self.wire.read()
        except self.wire.failures:
            self._fail(ProviderDisconnected(provider=self._provider))
            return self.wire.rest()
        finally:
            self.wire.pause()
            self._is_reading = False

    def progressed(self, *, is_ending: bool = False) -> None:
        """Note that the reply has moved on and its reader is ready for more.

        `is_ending`: the finish reason has come, so that little patience is right from here on.
        """
        self._progress_at = self._loop.time()
        self._quiet = self._idle
        if is_ending:
            self._quiet = self._idle = self._timeouts.ending
            self._timer.cancel()
            self._timer = self._loop.call_at(self._next_look(), self._look)

    def unwatch(self) -> None:
        """Let it take as long as it may from here on."""
        self._timer.cancel()

    def _next_look(self) -> float:
        now = self._loop.time()
        due = self._progress_at + self._quiet
        # Never later than `idle` from now: the first progress may shorten the patience meanwhile.
        return min(due if due > now else now + self._idle, now + self._idle, self._ends_at)

    def _look(self) -> None:
        now = self._loop.time()
        if now >= self._ends_at:
            reason = f"not complete within {self._timeouts.total:g} s"
        # While the reader is busy with what it has, the silence is not the provider's.
        elif self._is_reading and now >= self._progress_at + self._quiet:
            reason = f"no progress for {self._quiet:g} s"
        else:
            self._timer = self._loop.call_at(self._next_look(), self._look)
            return
        self._fail(ProviderTimeout(provider=self._provider, reason=reason))
        self.wire.close()

    def _fail(self, failure: ProviderError) -> None:
        # The first is the cause: what the reader meets after a time-out is only our own closing.
        if self.failure is None:
            self.failure = failure
