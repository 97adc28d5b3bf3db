"""Where nothing can be written (no room, a file system that is only read), whatever only reads goes on."""

from typing import Any

import pytest

from duihua.db.errors import StorageFull
from tests.api.routes import call, routes
from tests.api.test_foreign import my_things
from tests.fixtures.client import Client


async def test_no_get_writes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    own = await my_things(client)

    async def refuse(*_: Any, **__: Any) -> None:
        raise StorageFull(retry_after=30)

    for way in ("write", "write_first"):
        monkeypatch.setattr(client.app.state.database, way, refuse)
    refused = {}
    reading = [route for route in routes() if route.method == "GET"]
    assert len(reading) > 20
    for route in reading:
        asked = call(route, route.least(own))
        async with client.session.get(client.origin + asked.path) as answer:
            await answer.read()
            if answer.status != 200:
                refused[str(route)] = answer.status
    assert refused == {}
    assert (await client.post("/chat/groups", {"name": "新的"})).status == 507
