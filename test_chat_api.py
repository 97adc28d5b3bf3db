"""A tour of the public API: `python test_chat_api.py [BASE_URL]`.

Prints each step and PASS or FAIL, and exits with 1 if any failed. Without a URL it starts a server of its
own on a free port, with nothing in it, and stops it at the end; with one it deletes what it made. It needs
only Python's standard library, so that it can be read as an example for any other client: `tests/tour` has
a file for each feature, and `tests/tour/client.py` what a request is.
"""

import sys

from tests.tour import (
    connections,
    conversations,
    events,
    files,
    messages,
    prompts,
    search,
    service,
    settings,
    sharing,
    statistics,
    streaming,
    transfer,
    trash,
)
from tests.tour.server import own_server
from tests.tour.steps import take

PARTS = (
    service.part,
    settings.part,
    connections.part,
    conversations.part,
    messages.part,
    streaming.part,
    prompts.part,
    files.part,
    transfer.part,
    search.part,
    statistics.part,
    sharing.part,
    trash.part,
    events.part,
)


def test_the_tour() -> None:
    """The whole tour, for pytest."""
    with own_server() as base_url:
        assert take(PARTS, base_url) == 0


def main() -> int:
    """The exit status of the tour of the server that was named, or of one of its own."""
    if len(sys.argv) > 1:
        return min(take(PARTS, sys.argv[1]), 1)
    with own_server() as base_url:
        print(f"a server of our own at {base_url}")
        return min(take(PARTS, base_url), 1)


if __name__ == "__main__":
    sys.exit(main())
