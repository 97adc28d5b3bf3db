"""`/metrics`, as Prometheus' own parser reads it."""

from prometheus_client.parser import text_string_to_metric_families

from duihua.core.ids import new_uuid
from tests.fixtures.client import Client
from tests.fixtures.upstream import Upstream, answer, delta, event, head

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def read(client: Client) -> Numbers:
    async with client.session.get(client.origin + "/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        page = await response.text()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def of(numbers: Numbers, name: str, **labels: str) -> float:
    return numbers.get((name, frozenset(labels.items())), 0)


async def test_requests_are_counted_by_route_and_status(client: Client) -> None:
    uuids = [new_uuid() for _ in range(3)]
    for uuid in uuids:
        await client.get(f"/api/chat/conversations/{uuid}")
    await client.get("/nowhere")
    await client.session.request("BREW", client.origin + "/coffee")
    numbers = await read(client)
    route = {"method": "GET", "route": "/chat/conversations/{chat_id}"}
    assert of(numbers, "duihua_http_requests_total", **route, status="404") == 3
    assert of(numbers, "duihua_http_request_duration_seconds_count", **route) == 3
    assert of(numbers, "duihua_http_request_duration_seconds_bucket", **route, le="+Inf") == 3
    assert 0 < of(numbers, "duihua_http_request_duration_seconds_sum", **route) < 60
    assert of(numbers, "duihua_http_requests_total", method="GET", route="other", status="404") == 1
    assert not [labels for _, labels in numbers if uuids[0] in str(labels) or "BREW" in str(labels)]


async def test_what_is_running_is_counted_and_what_has_ended(client: Client) -> None:
    chat = (await client.conversation())["uuid"]
    body = {"chat_id": chat, "content": "数", "config": {"offline": {"tokens": 2000, "rate": 100}}}
    async with client.open_stream("/chat/messages/stream", body) as stream:
        await anext(aiter(stream))
        running = await read(client)
        assert of(running, "duihua_generations_running") == 1
        assert of(running, "duihua_event_streams_open", kind="reply") == 1
        await client.post("/chat/terminate")
    ended = await read(client)
    assert of(ended, "duihua_generations_running") == 0
    assert of(ended, "duihua_generations_total", state="cancelled") == 1
    commits, events = of(ended, "duihua_journal_commits_total"), of(ended, "duihua_journal_events_total")
    assert 0 < commits <= events
    assert of(ended, "process_cpu_seconds_total") > 0
    assert of(ended, "process_resident_memory_bytes") > 10e6
    assert of(ended, "duihua_database_units", dialect=client.app.state.database.dialect) >= 0


async def test_a_providers_failures_and_tokens_are_counted(client: Client) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 7}
    good = [head(), delta("好"), event({"choices": [], "usage": usage}), event("[DONE]")]
    async with Upstream(good, answer(401, {"error": {"message": "no"}})) as upstream:
        wanted = {"api_key": "sk-0123456789abcdef", "model_url": upstream.url, "model_name": "m"}
        connection = (await client.post("/chat/api-keys", wanted)).data["id"]
        chat = (await client.conversation(api_key_id=connection, model_id="m"))["uuid"]
        states = [(await client.say(chat, config=None))["reply"]["state"] for _ in range(2)]
    assert states == ["complete", "failed"]
    numbers = await read(client)
    assert of(numbers, "duihua_tokens_total", kind="prompt") == 5
    assert of(numbers, "duihua_tokens_total", kind="completion") == 7
    assert of(numbers, "duihua_generations_total", state="failed") == 1
    errors = {labels for name, labels in numbers if name == "duihua_upstream_errors_total"}
    assert errors == {frozenset({("error", "provider_unauthorized")})}
    assert "sk-0123" not in str(numbers)
