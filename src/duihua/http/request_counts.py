"""How many requests were answered, how, and how soon: kept in numbers, shown by `/metrics`."""

from bisect import bisect_left
from collections import Counter

from starlette.types import Scope

# Upper ends, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Durations:
    """How long things took: `counts[i]` up to `BUCKETS[i]`, the last beyond all; `total` in seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class RequestCounts:
    """By method, route and status; a route is its template: there are few, and no ids in them."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, str, int]] = Counter()
        self.durations: dict[tuple[str, str], Durations] = {}

    def add(self, scope: Scope, status: int, seconds: float) -> None:
        """A request whose answer begins, so many seconds after it came."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "other").removeprefix("/api")
        self.answered[method, route, status] += 1
        durations = self.durations.get((method, route))
        if durations is None:
            durations = self.durations[method, route] = Durations()
        durations.add(seconds)
