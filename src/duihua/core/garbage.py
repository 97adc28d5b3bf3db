"""Python's search for garbage, cut into short pieces: while it searches, nothing else runs.

What a request leaves is freed without it. It walks what is new, and now and then all that came since the last
`gc.freeze`: modules, routes and models stay for good, and so does most of what a server has ever learned,
first of all SQLAlchemy's compiled statements: tens of thousands of objects, which hold every stream up.
"""

import gc
import time

# New objects before those are walked (Python's own 700 are soon on their way to hundreds of streams); so many
# times, before those that were left are, too; and so many times of that, before all are.
_THRESHOLDS = (2_000, 1, 2)
# Longer than what comes and goes takes. What is frozen is freed as ever, but cycles are not found any more.
_LONG_SECONDS = 0.005


class _Walks:
    """Freezes what a full collection has left, where that was much."""

    def __init__(self) -> None:
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        elif info["generation"] == 2 and time.perf_counter() - self._began > _LONG_SECONDS:
            gc.freeze()


_walks = _Walks()


def keep_searches_short() -> None:
    """What is there is left out from now on, and what stays of all that comes."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    if _walks not in gc.callbacks:
        gc.callbacks.append(_walks)
    gc.enable()
