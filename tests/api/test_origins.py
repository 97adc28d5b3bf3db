"""Pages of other sites: which may read, which may ask, and names that are not this server's."""

import pytest

from tests.db.notes import on_sqlite
from tests.fixtures.client import Client
from tests.fixtures.server import StartServer

# Answered before a database is asked.
pytestmark = on_sqlite

OURS, OTHER = "https://front.example", "https://other.example"


async def _preflight(client: Client, origin: str) -> tuple[int, str | None]:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    address = f"{client.origin}/chat/messages/stream"
    async with client.session.options(address, headers=asked) as answer:
        return answer.status, answer.headers.get("Access-Control-Allow-Origin")


async def test_without_origins_no_other_site_may_read_or_ask(client: Client) -> None:
    status, allowed = await _preflight(client, OTHER)
    assert (status >= 400, allowed) == (True, None)
    answer = await client.get("/chat/groups", headers={"Origin": OTHER})
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_page_of_a_configured_origin_may_read_and_ask(start_server: StartServer) -> None:
    async with start_server(cors_origins=[OURS]) as client:
        assert await _preflight(client, OURS) == (200, OURS)
        status, allowed = await _preflight(client, OTHER)
        assert (status, allowed) == (400, None)
        sent = {"Origin": OURS, "Sec-Fetch-Site": "cross-site"}
        answer = await client.post("/chat/groups", {"name": "从别处"}, headers=sent)
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == OURS
        assert "X-Task-ID" in answer.headers["Access-Control-Expose-Headers"]
        # Also what is refused is for that page to read.
        refused = await client.post("/chat/groups", raw=b"{", headers=sent)
        assert refused.status == 422
        assert refused.headers["Access-Control-Allow-Origin"] == OURS


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_page_of_another_site_changes_nothing(start_server: StartServer, method: str) -> None:
    async with start_server(cors_origins=[OURS]) as client:
        before = (await client.get("/chat/groups")).data
        sent = {"Origin": OTHER, "Sec-Fetch-Site": "cross-site"}
        answer = await client.request(method, "/chat/groups", {"name": "不请自来"}, headers=sent)
        assert (answer.status, answer.body["error"]) == (403, "cross_site")
        assert (await client.get("/chat/groups")).data == before


async def test_a_name_that_was_rebound_to_this_machine_is_refused(client: Client) -> None:
    answer = await client.get("/chat/groups", headers={"Host": "evil.example"})
    assert (answer.status, answer.body["error"]) == (421, "unknown_host")
    for name in ("localhost", "127.0.0.1:1234", "[::1]:8000"):
        assert (await client.get("/chat/groups", headers={"Host": name})).status == 200


async def test_only_the_configured_names_are_answered_to(start_server: StartServer) -> None:
    async with start_server(host="0.0.0.0", allowed_hosts=["Chat.Example"]) as client:
        assert (await client.get("/chat/groups", headers={"Host": "chat.example:8000"})).status == 200
        assert (await client.get("/chat/groups", headers={"Host": "evil.example"})).status == 421
