"""`test_chat_api.py` shows every endpoint."""

import re
from pathlib import Path

from tests.api.routes import ENDLESS, routes

TOUR = Path(__file__).parents[1] / "tour"


def is_shown(path: str, source: str) -> bool:
    """Whether a text of `source` is this path, with anything in the place of each parameter."""
    pattern = re.sub(r"\\{\w+\\}", r"\\{[^{}]+\\}", re.escape(path))
    return re.search(rf'"{pattern}["?]', source) is not None


def test_the_tour_shows_every_endpoint() -> None:
    source = "".join(path.read_text("utf-8") for path in TOUR.glob("*.py"))
    paths = {route.path for route in routes()} | ENDLESS
    assert not [path for path in sorted(paths) if not is_shown(path, source)], "add a step in tests/tour"


def test_a_missing_endpoint_is_seen() -> None:
    source = 'api.call("GET", f"/chat/files/{file[\'id\']}?download=true")'
    assert is_shown("/chat/files/{file_id}", source)
    assert not is_shown("/chat/files/{file_id}/content", source)
    assert not is_shown("/chat/files", source)
