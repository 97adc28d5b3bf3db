"""Which provider answers, and the model servers found on this machine."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from duihua.providers.base import Delta, ModelInfo, ProviderRequest
from duihua.providers.discovery import LOCAL_SERVERS, LocalServer, discover, is_chat_model
from duihua.providers.errors import ProviderInvalidAddress, ProviderUnreachable
from duihua.providers.registry import PREFERRED_MODELS, Registry, connect
from duihua.providers.transport import Transport
from tests.fixtures.upstream import Act, Script, Upstream, answer, head, models, reply
from tests.providers.reading import KEY, request


class Listed:
    """A provider with a list of models, or none to tell."""

    def __init__(self, name: str, *ids: str) -> None:
        self.name = name
        self.ids = ids
        self.asked = 0

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[Sequence[Delta], None]:
        yield [Delta(text=request.model, finish_reason="stop")]

    async def list_models(self) -> Sequence[ModelInfo]:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.ids:
            raise ProviderUnreachable(provider=self.name)
        return [ModelInfo(each, each) for each in self.ids]

    def refusal(self) -> None: ...


async def registry(*providers: Listed, default_model: str | None = None) -> Registry:
    made = Registry(Transport(), default_model=default_model)
    for provider in providers:
        made.add(provider)
    await made.models()
    return made


def resolved(of: Registry, model_id: str | None) -> tuple[str, str]:
    provider, model = of.resolve(model_id)
    return provider.name, model


async def test_without_connections_the_offline_model_answers_everything() -> None:
    empty = connect()
    for model_id in (None, "", "offline", "gpt-4o", "openai/gpt-4o"):
        assert resolved(empty, model_id) == ("offline", "offline")
    assert empty.default_model == "offline"
    assert [(model.id, model.provider) for model in await empty.models()] == [("offline", "offline")]
    assert resolved(connect(default_model="gpt-4o"), None) == ("offline", "offline")
    await empty.close()


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        (None, ("cloud", "shared")),
        ("shared", ("cloud", "shared")),
        ("local/shared", ("local", "shared")),
        ("only/local", ("local", "only/local")),
        ("local/only/local", ("local", "only/local")),
        ("local/unlisted", ("local", "unlisted")),
        ("unlisted", ("cloud", "unlisted")),
        ("nobody/unlisted", ("cloud", "nobody/unlisted")),
        ("cloud/", ("cloud", "cloud/")),
        ("offline", ("offline", "offline")),
    ],
)
async def test_who_answers_for_a_model(model_id: str | None, expected: tuple[str, str]) -> None:
    made = await registry(Listed("cloud", "shared", "big"), Listed("local", "only/local", "shared"))
    assert resolved(made, model_id) == expected


async def test_every_offered_id_resolves_to_its_own_model() -> None:
    made = await registry(Listed("cloud", "a", "shared"), Listed("local", "shared", "b", "text-embedding-3"))
    offered = await made.models()
    assert [model.id for model in offered] == ["a", "shared", "local/shared", "b"]
    assert [resolved(made, model.id) for model in offered] == [(m.provider, m.model) for m in offered]


@pytest.mark.parametrize(
    ("ids", "configured", "expected"),
    [
        (("whisper-1", "x", "y"), None, "x"),
        (("gpt-3", "gpt-4o-mini", "gpt-5-mini"), None, "gpt-5-mini"),
        (("x",), "y", "y"),
        ((), None, PREFERRED_MODELS[0]),
        (("tts-1",), " ", PREFERRED_MODELS[0]),
    ],
)
async def test_the_default_model(ids: Sequence[str], configured: str | None, expected: str) -> None:
    made = await registry(Listed("cloud", *ids), default_model=configured)
    assert made.default_model == expected
    assert resolved(made, None) == ("cloud", expected)


async def test_lists_are_asked_once_and_a_dead_provider_keeps_its_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("duihua.providers.registry._FRESH_SECONDS", 0.05)
    cloud, dead = Listed("cloud", "a"), Listed("dead")
    made = Registry(Transport())
    made.add(cloud)
    made.add(dead)
    await asyncio.gather(*(made.models() for _ in range(5)))
    assert (cloud.asked, dead.asked) == (1, 1)
    cloud.ids = ()
    await asyncio.sleep(0.06)
    assert [model.id for model in await made.models()] == ["a"]
    assert (cloud.asked, dead.asked) == (2, 2)


@asynccontextmanager
async def started(**settings: Any) -> AsyncIterator[Registry]:
    made = connect(**settings)
    before = time.perf_counter()
    made.start()
    assert time.perf_counter() - before < 0.05
    try:
        yield made
    finally:
        await made.close()


async def test_the_environments_connection_comes_first() -> None:
    async with (
        Upstream(models("text-embedding-3", "cloud-model"), reply("hi")) as cloud,
        Upstream(models("llama")) as near,
    ):
        servers = [LocalServer("ollama", near.port)]
        async with started(openai_api_key=f" {KEY}\n", openai_base_url=cloud.url, servers=servers) as made:
            await made.started()
            assert [model.id for model in await made.models()] == ["cloud-model", "llama"]
            assert made.default_model == "cloud-model"
            provider, _ = made.resolve(None)
            text = [delta.text async for deltas in provider.stream(request()) for delta in deltas]
            assert "".join(text) == "hi"
            assert resolved(made, "llama") == ("ollama", "llama")
        assert {call.headers.get("authorization") for call in cloud.calls} == {f"Bearer {KEY}"}
        assert {call.headers.get("authorization") for call in near.calls} == {None}


async def test_it_answers_before_it_has_looked_and_after_in_vain() -> None:
    async with Upstream([Act.HOLD]) as silent, started(servers=[LocalServer("silent", silent.port)]) as made:
        assert resolved(made, None) == ("offline", "offline")
        await made.started()
        assert resolved(made, None) == ("offline", "offline")


async def test_a_dead_connection_fails_nothing_but_its_own_replies() -> None:
    async with started(openai_base_url="http://127.0.0.1:1", servers=()) as made:
        assert await made.models() == []
        assert resolved(made, None) == ("127.0.0.1:1", PREFERRED_MODELS[0])


def test_the_connection_is_named_after_its_host() -> None:
    assert resolved(connect(openai_api_key=KEY), "x") == ("openai", "x")
    assert resolved(connect(openai_base_url="https://api.deepseek.com"), "x") == ("api.deepseek.com", "x")


def test_a_base_url_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ProviderInvalidAddress) as refusal:
        connect(openai_base_url="http://user:secret@host/v1")
    assert "secret" not in repr(refusal.value)


@pytest.mark.parametrize("taken", ["own_port", "openai_base_url"])
async def test_ports_that_are_spoken_for_are_not_probed(taken: str) -> None:
    async with Upstream(models("m")) as server:
        value = server.port if taken == "own_port" else f"http://localhost:{server.port}"
        async with started(**{taken: value}, servers=[LocalServer("vllm", server.port)]) as made:
            await made.started()
        assert len(server.calls) == (0 if taken == "own_port" else 1)


async def test_closing_in_the_middle_of_looking() -> None:
    async with Upstream([Act.HOLD]) as silent, started(servers=[LocalServer("silent", silent.port)]):
        await silent.asked.wait()


NOT_A_LIST: list[Script] = [
    reply("x"),
    answer(200, b"<html>Router login</html>", content_type="text/html"),
    answer(200, {"models": ["x"]}),
    answer(200, {"data": "x"}),
    answer(404, {"detail": "Not Found"}),
    answer(302, b"", Location="http://127.0.0.1:1/"),
    answer(401, {}),
    [head(200, "application/json") + b"[" * 100_000],
    [head(200, "application/json") + b"x" * 9_000_000],
    [Act.RESET],
    [Act.HOLD],
    [b"SSH-2.0-OpenSSH_9.2\r\n"],
    [],
]


@pytest.mark.parametrize("script", NOT_A_LIST, ids=map(str, range(len(NOT_A_LIST))))
async def test_only_a_proper_model_list_is_a_model_server(script: Script) -> None:
    transport = Transport()
    async with Upstream(script) as other, Upstream(models("m")) as server:
        servers = [LocalServer("other", other.port), LocalServer("server", server.port)]
        found = await discover(transport, servers, seconds=0.2)
        assert [(provider.name, [model.id for model in listed]) for provider, listed in found] == [
            ("server", ["m"])
        ]
        assert server.calls[0].path == "/v1/models"
    await transport.close()


async def test_a_server_without_a_chat_model_is_not_connected() -> None:
    async with (
        Upstream(answer(200, {"object": "list", "data": None})) as empty,
        Upstream(models("bge-m3")) as embedding,
    ):
        servers = [LocalServer("ollama", empty.port), LocalServer("vllm", embedding.port)]
        async with started(servers=servers) as made:
            await made.started()
            assert made.default_model == "offline"


async def test_probes_run_side_by_side_in_the_order_given() -> None:
    transport, everybody_asked = Transport(), asyncio.Event()
    slow = [everybody_asked, *models("m")]
    async with Upstream(slow) as one, Upstream(slow) as two, Upstream(models("m")) as three:
        servers = [LocalServer(str(each.port), each.port) for each in (one, two, three)]
        probing = asyncio.create_task(discover(transport, servers, seconds=30))
        async with asyncio.timeout(20):
            await asyncio.gather(*(each.asked.wait() for each in (one, two, three)))
        everybody_asked.set()
        found = await probing
    assert [provider.name for provider, _ in found] == [server.name for server in servers]
    await transport.close()


async def test_where_nothing_listens_no_http_client_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        servers = [LocalServer("nobody", closed.getsockname()[1])]
        monkeypatch.setattr(Transport, "get_json", None)
        assert await discover(Transport(), servers) == []


def test_the_usual_ports() -> None:
    assert {server.port for server in LOCAL_SERVERS} == {11434, 8080, 1234, 8000}


@pytest.mark.parametrize(
    "model",
    [
        "gpt-5-mini",
        "deepseek-chat",
        "qwen3:8b",
        "meta-llama/Llama-3.1-8B-Instruct",
        "eclipse",
        "kimi-k2",
        "o3",
    ],
)
def test_models_to_talk_to(model: str) -> None:
    assert is_chat_model(model)


@pytest.mark.parametrize(
    "model",
    [
        *("text-embedding-3-small", "nomic-embed-text:latest", "BAAI/bge-m3", "Qwen/Qwen3-Embedding-8B"),
        *("whisper-1", "gpt-4o-transcribe", "tts-1-hd", "gpt-image-1", "dall-e-3", "stable-diffusion-xl"),
        *("bge-reranker-v2-m3", "omni-moderation-latest", "gpt-realtime", "davinci-002"),
    ],
)
def test_models_for_other_things(model: str) -> None:
    assert not is_chat_model(model)
