"""Methods that a path does not have."""

from collections import defaultdict

from tests.api.routes import ENDLESS, routes
from tests.db.notes import on_sqlite
from tests.fixtures.client import Client

# Answered before a database is asked.
pytestmark = on_sqlite


async def test_a_method_that_a_path_does_not_have_is_refused(client: Client) -> None:
    taken = defaultdict(set)
    for route in routes():
        taken[route.path].add(route.method)
    for path in ENDLESS:
        taken[path].add("GET")
    # A fixed path may look like an id to another route: then the id is what is wrong.
    for path, methods in taken.items():
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - methods:
            answer = await client.request(method, path.replace("{", "").replace("}", ""), {})
            assert answer.status in {404, 405, 422}, f"{method} {path}"
            assert answer.body["data"] is None
