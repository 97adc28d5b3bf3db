"""`Idempotency-Key` on every POST: the first answer again, no second effect; 409 for another request."""

import json
from datetime import timedelta

from sqlalchemy import select

from duihua.core.clock import now
from duihua.core.ids import new_uuid
from duihua.db.session import Session
from duihua.http.repository import forget_old_keys
from duihua.models import IdempotencyKey
from duihua.models.user import LOCAL_USER_ID
from tests.api.routes import Route, a_body, call, routes
from tests.api.test_spellings import merged, new_things
from tests.fixtures.client import Client
from tests.fixtures.rows import Owned, every_row

# They change nothing, and a file is made for whoever asks: nothing of it is kept.
FILES = {"/chat/export", "/chat/export/batch", "/chat/export/chosen"}


def posts() -> list[Route]:
    return [route for route in routes() if route.method == "POST" and route.path not in FILES]


async def send(client: Client, route: Route, own: Owned, key: str) -> tuple[int, str]:
    values = route.least(own) | {(f.place, f.name): route.sample(f, own) for f in route.fields if f.says_what}
    method, path, body = call(route, values)
    sent = a_body(route, body, own)
    headers = {"Idempotency-Key": key}
    async with client.session.request(method, client.origin + path, headers=headers, **sent) as response:
        content = await response.read()
    # Comments, and where a stream's text was cut, are no part of its answer.
    return response.status, merged(
        content
    ) if response.content_type == "text/event-stream" else content.decode()


async def test_a_retry_is_answered_as_the_first_time_and_does_nothing(client: Client) -> None:
    db = client.app.state.database
    for route in posts():
        own, key = await db.write(new_things), new_uuid()
        first = await send(client, route, own, key)
        assert first[0] == 200, f"{route}: {first}"
        before = await db.read(every_row)
        again = await send(client, route, own, key)
        assert again == first, f"{route}:\n{again}\n{first}"
        assert await db.read(every_row) == before, str(route)


async def test_a_key_of_another_request_is_refused(client: Client) -> None:
    db = client.app.state.database
    used = {"Idempotency-Key": new_uuid()}
    await client.post("/chat/groups", {"name": "a"}, headers=used)
    own = await db.write(new_things)
    before = await db.read(every_row)
    for route in posts():
        status, text = await send(client, route, own, used["Idempotency-Key"])
        assert (status, json.loads(text)["error"]) == (409, "idempotency_key_reused"), str(route)
    assert await db.read(every_row) == before


async def test_keys_are_kept_for_a_day_and_not_for_ever(client: Client) -> None:
    def add(session: Session) -> None:
        for hours in (0, 24, 100):
            made = now() - timedelta(hours=hours)
            facts = {"key": str(hours), "fingerprint": "f", "answer": "1", "created_at": made}
            session.add(IdempotencyKey(user_id=LOCAL_USER_ID, **facts))

    def keys(session: Session) -> set[str]:
        return set(session.scalars(select(IdempotencyKey.key)))

    db = client.app.state.database
    await db.write(add)
    await db.write(forget_old_keys)
    assert await db.read(keys) == {"0", "24"}
