"""What is asked of an OpenAI-compatible server, in which words, and where."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duihua.providers.base import ModelInfo, PromptMessage, ProviderRequest
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import ProviderInvalidResponse
from duihua.providers.openai import base_url_of, models_in
from duihua.providers.openai_reply import OpenAIReply
from tests.fixtures.upstream import DONE, FINISH, Script, Upstream, answer, delta, head, models, reply
from tests.providers.reading import KEY, ask, connection, failure_of, request


@pytest.mark.parametrize(
    ("address", "base_url"),
    [
        ("https://host", "https://host/v1"),
        (" https://host/ ", "https://host/v1"),
        ("https://host/v1", "https://host/v1"),
        ("https://host/v1/", "https://host/v1"),
        ("https://host/v1/chat/completions", "https://host/v1"),
        ("https://host/v1/chat/completions/", "https://host/v1"),
        ("http://host:8080/v1/models", "http://host:8080/v1"),
        ("https://host/api/paas/v4", "https://host/api/paas/v4"),
        ("https://host/compatible-mode/v1/", "https://host/compatible-mode/v1"),
        ("http://[::1]:11434", "http://[::1]:11434/v1"),
        ("host", "host"),
    ],
)
def test_addresses_are_taken_as_people_paste_them(address: str, base_url: str) -> None:
    assert base_url_of(address) == base_url


async def test_the_question_is_put_as_the_protocol_says() -> None:
    settings = {
        **{"temperature": 0.5, "top_p": None, "seed": 7, "x_unknown": {"a": [1]}},
        **{"model": "other", "messages": [], "stream": False, "n": 9, "stream_options": {}},
        **{"system_prompt": "s", "context_messages": 3, "offline": {"text": "t"}},
    }
    messages = [PromptMessage("system", "Be brief."), PromptMessage("user", "你好")]
    async with Upstream(reply("x")) as upstream, connection(upstream.url) as provider:
        await ask(provider, ProviderRequest("some-model", messages, settings))
        call = upstream.calls[0]
    assert (call.method, call.path) == ("POST", "/v1/chat/completions")
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.headers["content-type"] == "application/json"
    assert call.json() == {
        "model": "some-model",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "你好"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "seed": 7,
        "x_unknown": {"a": [1]},
    }


async def test_without_a_key_none_is_sent() -> None:
    async with Upstream(reply("x")) as upstream, connection(upstream.url, key=" ") as provider:
        assert (await ask(provider)).code == "ok"
        assert "authorization" not in upstream.calls[0].headers


async def test_a_server_without_stream_options_is_asked_again_and_remembered() -> None:
    refusal = answer(400, {"error": {"message": "Unrecognized request argument: stream_options"}})
    async with Upstream(refusal, reply("x")) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider)).text == "x"
        assert (await ask(provider)).text == "x"
        sent = ["stream_options" in call.json() for call in upstream.calls]
    assert sent == [True, False, False]


async def test_the_limit_is_said_in_the_words_the_model_knows() -> None:
    refusal = answer(
        400,
        {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}},
    )
    async with Upstream(refusal, reply("x")) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider, request(max_tokens=9))).text == "x"
        first, second = (call.json() for call in upstream.calls)
    assert first["max_tokens"] == second["max_completion_tokens"] == 9
    assert "max_tokens" not in second


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refusal_that_stays_is_not_asked_for_ever(status: int) -> None:
    refusal = answer(status, {"error": {"message": "stream_options, max_completion_tokens: no"}})
    async with Upstream(refusal) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider, request(max_tokens=9))).code == "provider_error"
        assert len(upstream.calls) == 3


async def test_errors_name_the_model() -> None:
    refusal = answer(404, {"error": {"code": "model_not_found", "message": "no"}})
    async with Upstream(refusal) as upstream, connection(upstream.url) as provider:
        error = await failure_of(provider)
    assert (error.code, error.values["model"]) == ("provider_model_not_found", "some-model")


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ({"data": [{"id": "a"}, {"id": "b", "name": "B\n!"}]}, [ModelInfo("a", "a"), ModelInfo("b", "B !")]),
        ({"data": [{"id": "a", "max_model_len": 4096}, {"id": "a"}]}, [ModelInfo("a", "a")]),
        ({"data": [{"id": "a", "context_length": 8}]}, [ModelInfo("a", "a", 8)]),
        ({"data": [{"id": "a", "context_window": -1}]}, [ModelInfo("a", "a")]),
        ({"data": [{"id": 1}, {"id": ""}, {"id": "x" * 256}, {"id": "a\0b"}, None, "c", {}]}, []),
        ({"object": "list", "data": None}, []),
    ],
)
def test_model_lists(listing: object, expected: list[ModelInfo]) -> None:
    assert models_in("x", listing) == expected


@pytest.mark.parametrize(
    "listing", [[], None, "models", {}, {"models": []}, {"data": "x"}, {"data": {"id": 1}}]
)
def test_what_is_no_model_list(listing: object) -> None:
    with pytest.raises(ProviderInvalidResponse):
        models_in("x", listing)


async def test_models_are_listed_in_the_providers_order() -> None:
    async with Upstream(models("b", "a")) as upstream, connection(upstream.url) as provider:
        assert [model.id for model in await provider.list_models()] == ["b", "a"]
        assert (upstream.calls[0].method, upstream.calls[0].path) == ("GET", "/v1/models")


async def test_deltas_come_one_list_per_read() -> None:
    script: Script = [head() + delta("a") + delta("b"), 0.05, delta("c") + FINISH, 0.05, DONE]
    async with Upstream(script) as upstream, connection(upstream.url) as provider:
        lists = [[each.text for each in deltas] async for deltas in provider.stream(request())]
    assert lists == [["a", "b"], ["c", ""]]


def read(stream: bytes, cuts: list[int]) -> tuple[str, str, object]:
    """Text, reasoning and verdict of a stream that arrives cut."""
    reading = OpenAIReply(Endpoint("x", "http://x"), "m")
    deltas = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        if start < end and not reading.is_over:
            deltas += reading.feed(stream[start:end])
    if not reading.is_over:
        deltas += reading.feed(b"")
    verdict = reading.verdict(None)
    return (
        "".join(each.text for each in deltas),
        "".join(each.reasoning for each in deltas),
        None if verdict is None else (verdict.code, verdict.values),
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1), st.booleans())), st.data())
def test_every_text_comes_back_however_it_is_cut(words: list[tuple[str, bool]], data: st.DataObject) -> None:
    events = [delta(reasoning_content=word) if thought else delta(word) for word, thought in words]
    # Escaped, so that characters outside the BMP are surrogate pairs in the JSON.
    escaped = [json.dumps(json.loads(each[6:])).encode() for each in events]
    stream = b"".join(b"data: " + each + b"\n\n" for each in escaped) + delta(".") + FINISH + DONE
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=5)))
    text, reasoning = ("".join(word for word, thought in words if thought is kind) for kind in (False, True))
    assert read(stream, cuts) == (text.replace("\0", "\ufffd") + ".", reasoning.replace("\0", "\ufffd"), None)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "usage", "error", "index", "finish_reason", "reasoning"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.lists(JSON | st.just({"choices": [{"delta": {"content": "x"}}]}), max_size=5), st.data())
def test_no_json_makes_it_crash_and_cuts_change_nothing(payloads: list[Any], data: st.DataObject) -> None:
    stream = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in payloads)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=4)))
    assert read(stream, cuts) == read(stream, [])


@settings(deadline=None)
@given(st.binary(max_size=200), st.data())
def test_no_bytes_make_it_crash(stream: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    assert read(stream, [cut]) == read(stream, [])
