"""The power goes on SQLite: what a client had seen by then is on the disk, whatever else is."""

from pathlib import Path

import pytest

from tests.faults.power import compiled, lose_power


@pytest.fixture
def library(tmp_path: Path) -> Path:
    found = compiled(tmp_path)
    if found is None:
        pytest.skip("there is no C compiler")
    return found


async def test_nothing_that_was_shown_is_lost_with_the_power(tmp_path: Path, library: Path) -> None:
    losses = await lose_power(tmp_path, library, cuts=60)
    assert losses.cuts == 60
    assert losses.events > 12 * 10
    assert not losses.problems


async def test_a_server_that_does_not_wait_for_the_disk_is_found_out(tmp_path: Path, library: Path) -> None:
    """`DUIHUA_SYNCHRONOUS=normal` promises no more than that the process may be killed."""
    assert (await lose_power(tmp_path, library, cuts=60, synchronous="normal")).problems
