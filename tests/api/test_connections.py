"""`/chat/api-keys` and `/chat/models`: connections, what they offer, and whether they answer."""

import asyncio
from typing import Any

from sqlalchemy import select

from duihua.db.session import Session
from duihua.models import Connection
from duihua.providers.breaker import FAILURES
from tests.fixtures.client import Client
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import Upstream, answer, models, reply

KEY = "sk-canary-0123456789abcd"
MASKED = "sk-…abcd"
LIST = answer(200, {"data": [{"id": "m-1", "context_length": 4096}, {"id": "text-embedding-3-small"}]})


async def connect(client: Client, url: str = "http://127.0.0.1:9", **fields: Any) -> dict[str, Any]:
    body = {"model_url": url, "api_key": KEY, "provider": "custom"} | fields
    return (await client.post("/chat/api-keys", body)).data


def stored_keys(session: Session) -> list[str | None]:
    return list(session.scalars(select(Connection.api_key).order_by(Connection.id)))


async def test_a_key_is_encrypted_and_never_shown(client: Client, capsys: Any, caplog: Any) -> None:
    made = await connect(client, model_name="m", timeout=3, config={"temperature": 1})
    assert (made["api_key"], made["timeout"], made["config"]) == (MASKED, 3, {"temperature": 1})
    [sealed] = await client.app.state.database.read(stored_keys)
    assert sealed is not None
    assert sealed.startswith("fernet:")
    assert KEY not in sealed
    answers = [
        await client.get(f"/chat/api-keys/{made['id']}"),
        await client.get("/chat/api-keys/list"),
        await client.put("/chat/api-keys", {"id": made["id"], "api_key": MASKED, "timeout": None}),
        await client.post("/chat/api-keys/test", {"id": made["id"]}),
        await client.post("/chat/api-keys", {"api_key": KEY, "model_url": "no address"}),
        await client.post("/chat/api-keys", {"api_key": KEY, "timeout": "soon"}),
    ]
    said = repr(answers) + caplog.text + "".join(capsys.readouterr())
    assert KEY not in said
    assert (client.app.state.config.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [sealed] == await client.app.state.database.read(stored_keys)


async def test_a_change_leaves_what_it_does_not_name(client: Client) -> None:
    made = await connect(client, description="旧", max_tokens=5)
    changed = (await client.put("/chat/api-keys", {"id": str(made["id"]), "description": None})).data
    assert changed == made | {"description": None, "updated_at": changed["updated_at"]}
    cleared = (await client.put("/chat/api-keys", {"id": made["id"], "api_key": None})).data
    assert cleared["api_key"] is None
    for wrong in ({"model_url": "ftp://a"}, {"api_key": "密钥"}, {"status": "deleted"}, {"timeout": 0}):
        assert (await client.put("/chat/api-keys", {"id": made["id"]} | wrong)).status == 422
    assert (await client.get(f"/chat/api-keys/{made['id']}")).data == cleared


async def test_an_older_row_without_an_address_can_be_changed_but_not_used(client: Client) -> None:
    made = await connect(client)

    def spoil(session: Session) -> None:
        session.get_one(Connection, made["id"]).model_url = None

    await client.app.state.database.write(spoil)
    changed = await client.put("/chat/api-keys", {"id": made["id"], "description": "旧"})
    assert (changed.data["description"], changed.data["model_url"]) == ("旧", None)
    tested = (await client.post("/chat/api-keys/test", {"id": made["id"]})).data
    assert (tested["success"], tested["error"]) == (False, "provider_invalid_address")
    assert (await client.put("/chat/api-keys", {"id": made["id"], "provider": "other"})).status == 422


async def test_lists_batches_and_deletion(client: Client) -> None:
    one, two, three = [(await connect(client, provider=name))["id"] for name in ("vllm", "ollama", "vllm")]
    for query, ids in {
        "": [one, two, three],
        "?provider=vllm": [one, three],
        "?keyword=OLL": [two],
        "?status=inactive": [],
        "?pageNum=2&pageSize=2": [three],
    }.items():
        data = (await client.get(f"/chat/api-keys/list{query}")).data
        assert [item["id"] for item in data["items"]] == ids, query
    off = await client.put("/chat/api-keys/batch/status", {"ids": [one, 10**12], "status": "inactive"})
    assert off.data == {"updated": 1, "missing": [10**12]}
    assert (await client.get(f"/chat/api-keys/{one}")).data["status"] == "inactive"
    await client.delete(f"/chat/api-keys/{one}")
    gone = await client.delete("/chat/api-keys/batch", {"ids": [one, two]})
    assert gone.data == {"deleted": 1, "missing": [one]}
    for path in (f"/chat/api-keys/{one}", f"/chat/api-keys/{two}"):
        assert (await client.get(path)).error == "connection_not_found"
    assert (await client.post("/chat/conversations", {"api_key_id": one})).error == "connection_not_found"


async def test_the_models_on_offer_outlast_a_provider_that_is_away(client: Client) -> None:
    offline = (await client.get("/chat/models/available")).data
    assert [model["id"] for model in offline] == ["offline"]
    async with Upstream(LIST) as upstream:
        made = await connect(client, upstream.url, model_name="named")
        models = (await client.get("/chat/models/available")).data
        assert [(model["id"], model["context_length"], model["error"]) for model in models] == [
            ("named", None, None),
            ("m-1", 4096, None),
        ]
        assert (await client.get("/chat/models/available")).data == models
        assert len(upstream.calls) == 1
        assert (await client.get("/chat/models/available?provider=nobody")).data == []

    def age(session: Session) -> None:
        session.get_one(Connection, made["id"]).models_listed_at = None

    await client.app.state.database.write(age)
    again = (await client.get("/chat/models/available")).data
    assert [model["id"] for model in again] == ["named", "m-1"]
    assert {model["error"] for model in again} == {"provider_unreachable"}
    await client.put("/chat/api-keys", {"id": made["id"], "status": "inactive"})
    assert [m["id"] for m in (await client.get("/chat/models/available")).data] == ["offline"]
    every = (await client.get("/chat/models/available?activeOnly=false")).data
    assert [(model["id"], model["status"]) for model in every] == [
        ("offline", "active"),
        ("named", "inactive"),
        ("m-1", "inactive"),
    ]


async def test_a_question_just_after_the_start_waits_for_what_the_operator_offers(
    start_server: StartServer,
) -> None:
    """Else it would be put to a connection of the user's own, which has no such model."""
    slow = [0.5, *models("theirs")]
    async with (
        Upstream(slow, reply("theirs")) as operators,
        Upstream(models(), reply("own")) as own,
        start_server(openai_base_url=operators.url) as client,
    ):
        await connect(client, own.url)
        chat = await client.conversation(model_id="theirs", title="已有")
        told = (await client.post("/chat/messages", {"chat_id": chat["uuid"], "content": "问"})).data
        assert told["reply"]["content"] == "theirs"
        assert [call.method for call in own.calls] == []


async def test_what_a_former_address_lists_is_not_kept(client: Client) -> None:
    go = asyncio.Event()
    async with Upstream([go, *models("old")]) as former, Upstream(models("new")) as present:
        made = await connect(client, former.url)
        asking = asyncio.create_task(client.get("/chat/models/available"))
        await asyncio.wait_for(former.asked.wait(), 20)
        await client.put("/chat/api-keys", {"id": made["id"], "model_url": present.url})
        go.set()
        await asking
        listed = (await client.get("/chat/models/available")).data
    assert [model["model_id"] for model in listed] == ["new"]


async def reasons(
    client: Client, query: str = "", **headers: str
) -> dict[str, tuple[str | None, str | None]]:
    models = (await client.get(f"/chat/models/available{query}", headers=headers)).data
    return {model["id"]: (model["unavailable"], model["unavailable_message"]) for model in models}


async def test_a_model_that_cannot_answer_says_why(client: Client) -> None:
    refusal = {"error": {"message": f"Incorrect API key: {KEY}"}}
    for number, (script, expected) in enumerate(
        [
            (LIST, (None, None)),
            (answer(401, refusal), ("provider_unauthorized", "API 密钥被拒绝")),
            # What keeps the list away, and no answer.
            (answer(403, refusal), (None, None)),
            (answer(404, {}), (None, None)),
            (answer(500, {}), (None, None)),
        ]
    ):
        async with Upstream(script) as upstream:
            made = await connect(client, upstream.url, model_name=f"model-{number}")
            assert (await reasons(client))[f"model-{number}"] == expected
            await client.delete(f"/chat/api-keys/{made['id']}")
    away = await connect(client, model_name="away")
    assert (await reasons(client))["away"] == ("provider_unreachable", "接口地址连接不上")

    def misplace(session: Session) -> None:
        session.get_one(Connection, away["id"]).api_key = "fernet:of another secret key"

    await client.app.state.database.write(misplace)
    assert (await reasons(client))["away"][0] == "connection_key_unreadable"
    await client.put("/chat/api-keys", {"id": away["id"], "status": "inactive"})
    await connect(client, model_name="away")
    english = await reasons(client, "?activeOnly=false", **{"Accept-Language": "en"})
    assert english["away"] == ("provider_unreachable", "Nobody can be reached at its address")
    assert english[f"{away['id']}/away"] == ("connection_inactive", "Its connection is switched off")


async def test_a_connection_that_is_left_alone_says_so(client: Client) -> None:
    async with Upstream(LIST) as upstream:
        made = await connect(client, upstream.url, model_name="m-1")
        assert (await reasons(client))["m-1"] == (None, None)
        # Longer than is waited for between two attempts.
        upstream.turn_to(answer(503, {}, Retry_After="60"))
        for _ in range(FAILURES):
            asked = await client.post("/chat/models/test", {"model_id": "m-1"})
            assert asked.data["error"] == "provider_unavailable"
        assert (await reasons(client))["m-1"] == ("provider_paused", "连续多次没有应答，暂停向它提问")
        upstream.turn_to(reply("好"))
        assert (await client.post("/chat/api-keys/test", {"id": made["id"]})).data["success"]
        assert (await reasons(client))["m-1"] == (None, None)


async def test_what_models_can_do_is_told_and_may_be_decided(client: Client) -> None:
    entry = {"id": "seer", "architecture": {"input_modalities": ["text", "image"]}, "context_length": 9000}
    async with Upstream(answer(200, {"data": [entry, {"id": "o3-mini"}, {"id": "unknown"}]})) as upstream:
        made = await connect(client, upstream.url)

        async def told() -> dict[str, Any]:
            models = (await client.get("/chat/models/available")).data
            return {model["id"]: (model["capabilities"], model["context_length"]) for model in models}

        assert await told() == {
            "seer": (["chat", "vision"], 9000),
            "o3-mini": (["chat", "reasoning", "tools"], None),
            "unknown": (["chat"], None),
        }
        decided = {"capabilities": ["tools"], "context_length": 4000}
        await client.put("/chat/api-keys", {"id": made["id"], "config": decided})
        assert set(map(str, (await told()).values())) == {"(['chat', 'tools'], 4000)"}


async def test_a_test_is_a_real_question(client: Client) -> None:
    async with Upstream(reply("在"), answer(401, {"error": {"message": f"wrong {KEY}"}})) as upstream:
        made = await connect(client, upstream.url, model_name="m")
        good = (await client.post("/chat/models/test", {"model_id": "m"})).data
        assert (good["success"], good["reply"], good["model_id"], good["error"]) == (True, "在", "m", None)
        assert good["response_time"] > 0
        bad = (await client.post("/chat/api-keys/test", {"id": made["id"]})).data
        assert (bad["success"], bad["error"], bad["reply"]) == (False, "provider_unauthorized", None)
        assert KEY not in repr(bad)
    assert upstream.calls[0].headers["authorization"] == f"Bearer {KEY}"
    assert upstream.calls[0].json()["messages"] == [{"role": "user", "content": "Hello"}]
