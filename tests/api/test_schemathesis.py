"""Requests that Schemathesis makes up: no 5xx, none but documented answers, and nothing of our inside."""

from collections.abc import Iterator

import pytest
from schemathesis.schemas import APIOperation

from tests.api.made_up import MadeUp, operations
from tests.tour.server import own_server

# One test would be the longest of all; one for each route would make every worker read the document.
PARTS = 4
# `python -m benchmarks.faults --only made_up` has hundreds.
EXAMPLES = 4


@pytest.fixture(scope="module")
def every() -> list[APIOperation]:
    return operations()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with own_server() as base_url:
        yield base_url


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_documented(every: list[APIOperation], server: str, part: int) -> None:
    made_up = MadeUp(server, EXAMPLES)
    for operation in every[part::PARTS]:
        made_up.try_route(operation)
    assert made_up.asked > 100
    assert not made_up.wrong, "\n\n".join(made_up.wrong)
