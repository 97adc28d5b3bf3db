"""Providers that do not answer are left alone for a while: a circuit breaker for each connection.

The pattern is Nygard's (Release It!, 2nd edition, §5.2): closed while all is well; open after some failures
in a row, when whoever asks is told at once instead of waiting for nothing; half open when the pause is
over, and one question goes through to try it. See docs/decisions/0011.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import (
    ProviderError,
    ProviderPaused,
    ProviderTimeout,
    ProviderUnavailable,
    ProviderUnreachable,
)

# Questions in a row, each with its retries, that were not answered.
FAILURES = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 60.0
# What says that nobody could be answered there. Any other refusal is an answer.
_DOWN = (ProviderUnreachable, ProviderUnavailable, ProviderTimeout)


class _Circuit:
    """What is known of a connection whose last question was not answered."""

    __slots__ = ("failures", "is_tried", "open_until", "pause", "reason")

    def __init__(self) -> None:
        self.failures = 0
        self.pause = 0.0
        self.open_until: float | None = None
        # Whether the one question of the half-open state is under way.
        self.is_tried = False
        self.reason = ""


class Attempt:
    """One question; `answered` is to be called as soon as anything of the answer is there."""

    __slots__ = ("_circuits", "_endpoint", "is_answered")

    def __init__(self, circuits: dict[Endpoint, _Circuit], endpoint: Endpoint) -> None:
        self._circuits, self._endpoint = circuits, endpoint
        self.is_answered = False

    def answered(self) -> None:
        """The provider is there: all is well again."""
        if not self.is_answered:
            self.is_answered = True
            self._circuits.pop(self._endpoint, None)


class Breakers:
    """The circuits of one process, by address, key and patience: nobody's failures are another's.

    `clock` counts seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._circuits: dict[Endpoint, _Circuit] = {}

    @property
    def paused(self) -> int:
        """How many connections are being left alone."""
        return sum(circuit.open_until is not None for circuit in self._circuits.values())

    def refusal(self, endpoint: Endpoint) -> ProviderPaused | None:
        """What a question would be told now, if it were asked; it does not try the connection."""
        circuit = self._circuits.get(endpoint)
        if circuit is None or circuit.open_until is None:
            return None
        left = circuit.open_until - self._clock()
        return _paused(endpoint, circuit, left) if left > 0 or circuit.is_tried else None

    @contextmanager
    def attempt(self, endpoint: Endpoint, *, insists: bool = False) -> Iterator[Attempt]:
        """Around one question. Who `insists` is let through while others are not.

        Raises:
            ProviderPaused: at once.
        """
        circuit = self._circuits.get(endpoint)
        tries = circuit is not None and not insists and self._enter(endpoint, circuit)
        attempt = Attempt(self._circuits, endpoint)
        try:
            yield attempt
        except _DOWN as failure:
            if not attempt.is_answered:
                self._failed(endpoint, failure, tries=tries)
            raise
        except ProviderError:
            attempt.answered()
            raise
        finally:
            # Cancelled, perhaps: then the next one may try.
            if tries and circuit is not None:
                circuit.is_tried = False

    def _enter(self, endpoint: Endpoint, circuit: _Circuit) -> bool:
        """Whether this is the one that tries a half-open circuit."""
        if circuit.open_until is None:
            return False
        if refusal := self.refusal(endpoint):
            raise refusal
        circuit.is_tried = True
        return True

    def _failed(self, endpoint: Endpoint, failure: ProviderError, *, tries: bool) -> None:
        circuit = self._circuits.setdefault(endpoint, _Circuit())
        circuit.failures += 1
        circuit.reason = _own_words(failure)
        if tries:
            circuit.pause = min(circuit.pause * 2, LONGEST_PAUSE_SECONDS)
        elif circuit.open_until is None and circuit.failures >= FAILURES:
            circuit.pause = FIRST_PAUSE_SECONDS
        else:
            return  # Too few; or one that was asked before the circuit opened, and hears of it now.
        circuit.open_until = self._clock() + circuit.pause


def _paused(endpoint: Endpoint, circuit: _Circuit, left: float) -> ProviderPaused:
    return ProviderPaused(
        provider=endpoint.provider,
        reason=circuit.reason,
        retry_after=max(1, math.ceil(left)),
        failures=circuit.failures,
    )


def _own_words(failure: ProviderError) -> str:
    """Why, without what the server said: that was about one question, and others will read this."""
    status = failure.values.get("upstream_status")
    if status is None:
        return str(failure.values.get("reason", ""))
    return f"HTTP {status}" if status else ""
