"""`duihua serve` for `callgrind`: as much slower as it runs, as much rarer is what it does by the clock."""

import os

from duihua.cli import main
from duihua.generation import recovery


def slow_down(times: float) -> None:
    """The journal's tick is a setting; the rounds of recovery are not."""
    recovery.ROUND_SECONDS *= times
    recovery.FIRST_SECONDS *= times
    recovery.FIRST_SWEEP_SECONDS *= times
    recovery.SWEEP_SECONDS *= times


if __name__ == "__main__":
    slow_down(float(os.environ["DUIHUA_BENCH_SLOWDOWN"]))
    main()
