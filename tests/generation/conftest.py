import pytest

from duihua.generation import recovery


@pytest.fixture(autouse=True)
def _recovery_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server recovers once, when it starts; after that a test says when."""
    monkeypatch.setattr(recovery, "ROUND_SECONDS", 1000.0)
