"""Workers that are killed, frozen and renewed while replies stream: what anybody saw is what is kept."""

from pathlib import Path

from tests.faults.driver import servers
from tests.faults.scenarios import kill_and_freeze, renew

SETTLED_SECONDS = 15.0
RESUME_SECONDS = 2.0


async def test_killed_and_frozen(tmp_path: Path, postgres_database_url: str) -> None:
    async with servers(tmp_path, postgres_database_url, DUIHUA_WORKERS="3") as started:
        outcome = await kill_and_freeze(await started.start(), postgres_database_url, streams=12)
    assert outcome.differences == []
    assert outcome.ends.keys() == {"complete", "generation_interrupted"}
    assert outcome.seconds <= SETTLED_SECONDS


async def test_renewed(tmp_path: Path, postgres_database_url: str) -> None:
    """Some replies finish while their worker waits, some are longer than it may."""
    options = {"DUIHUA_WORKERS": "3", "DUIHUA_DRAIN_SECONDS": "1"}
    async with servers(tmp_path, postgres_database_url, **options) as started:
        server = await started.start()
        outcome = await renew(server, postgres_database_url, streams=18, tokens=60, rate=20)
    assert outcome.differences == []
    assert outcome.ends["complete"] > 0
    assert max(outcome.gaps, default=0) <= RESUME_SECONDS
