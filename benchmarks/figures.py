"""How measurements are summed up and shown."""

import sys
from collections.abc import Sequence
from statistics import median


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * percent // 100).__int__() - 1))]


def ratio(value: float, yardstick: float) -> str:
    """`value` as a multiple of the yardstick."""
    return f"{value / yardstick:.2f} x" if yardstick else "-"


def middle(values: Sequence[float]) -> float:
    """The median."""
    return median(values)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their heads, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [list(heads), *cells]) for at in range(len(heads))]
    print(f"\n{title}")
    for row in [list(heads), *cells]:
        first, *others = (
            cell.ljust(w) if at == 0 else cell.rjust(w)
            for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join((first, *others)))
    sys.stdout.flush()


def verdict(checks: Sequence[tuple[str, bool]]) -> int:
    """Print each check; the exit status."""
    for text, holds in checks:
        print(f"  {'ok  ' if holds else 'FAIL'} {text}")
    sys.stdout.flush()
    return 0 if all(holds for _, holds in checks) else 1
