"""What the tour is made of, and taking it."""

import http.client
import ipaddress
import urllib.parse
from collections.abc import Callable, Sequence

from tests.tour.client import Api, Json

Step = Callable[[Api, Json], None]


class Part:
    """The steps about one feature. They share `made`, what earlier steps of the part made; no other part's.

    The last step deletes what the part made. `asks_us` says that the server must be able to reach this
    process; where it runs on another machine, such a part is left out.
    """

    def __init__(self, title: str, *, asks_us: bool = False) -> None:
        self.title, self.asks_us = title, asks_us
        self.steps: list[tuple[str, Step]] = []

    def step(self, title: str) -> Callable[[Step], Step]:
        """Put a function into the part."""

        def add(function: Step) -> Step:
            self.steps.append((title, function))
            return function

        return add


def take(parts: Sequence[Part], base_url: str) -> int:
    """Take all steps, printing each; how many failed."""
    api, passed, failed = Api(base_url), 0, 0
    for part in parts:
        print(f"\n{part.title}")
        if part.asks_us and not _is_this_machine(base_url):
            print("  SKIP  the server is elsewhere and cannot ask a model that runs here")
            continue
        made: Json = {}
        for title, function in part.steps:
            problem = _problem(function, api, made)
            passed, failed = passed + (problem is None), failed + (problem is not None)
            print(f"  FAIL  {title}\n        {problem}" if problem else f"  PASS  {title}")
    print(f"\n{passed} passed, {failed} failed")
    return failed


def _problem(function: Step, api: Api, made: Json) -> str | None:
    """What was wrong. A step that needs what an earlier one failed to make fails too."""
    try:
        function(api, made)
    except (AssertionError, LookupError, OSError, ValueError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _is_this_machine(base_url: str) -> bool:
    name = urllib.parse.urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
