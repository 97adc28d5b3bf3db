"""The offline model: honest, deterministic, alive, and scriptable."""

import asyncio
import time
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duihua.providers.base import Delta, PromptMessage, ProviderRequest
from duihua.providers.errors import BY_CODE, ProviderError, ProviderInvalidSettings
from duihua.providers.offline import OfflineProvider, tokens_of


def question(content: str = "Hello", **script: Any) -> ProviderRequest:
    settings = {"offline": {"rate": 0, **script}}
    return ProviderRequest("offline", [PromptMessage("user", content)], settings)


async def answer(asked: ProviderRequest) -> list[Delta]:
    return [delta async for deltas in OfflineProvider().stream(asked) for delta in deltas]


async def text_of(asked: ProviderRequest) -> str:
    return "".join(delta.text for delta in await answer(asked))


@settings(deadline=None)
@given(st.text())
def test_tokens_are_the_text_cut(text: str) -> None:
    assert "".join(tokens_of(text)) == text


def test_tokens_are_characters_of_chinese_and_words_of_english() -> None:
    assert list(tokens_of("你好，hello big  world\n\n- 一")) == [
        *("你", "好", "，", "hello", " big", "  world", "\n\n-", " 一"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("什么是 SSE？", "这是离线模型：它没有连接任何 AI 模型"),
        ("What is SSE?", "This is the offline model: no AI model is connected to it"),
        ("42 😀", "这是离线模型"),
        ("", "这是离线模型"),
    ],
)
async def test_it_says_what_it_is_how_to_change_that_and_what_it_got(content: str, sentence: str) -> None:
    text = await text_of(question(content))
    assert sentence in text
    assert f"> {content}" in text
    for way in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "11434", "8080", "1234", "8000"):
        assert way in text
    assert text == await text_of(question(content))


async def test_it_answers_the_last_message_of_the_user() -> None:
    messages = [
        PromptMessage("user", "first"),
        PromptMessage("assistant", "x"),
        PromptMessage("user", "{最后}\n第二行"),
    ]
    text = await text_of(ProviderRequest("offline", messages, {"offline": {"rate": 0}}))
    assert "> {最后}\n> 第二行\n" in text
    assert "first" not in text


async def test_a_long_message_is_repeated_in_part() -> None:
    text = await text_of(question("x" * 1_000_000))
    assert "1000000 characters" in text
    assert len(text) < 5000


async def test_it_ends_with_a_reason_and_the_usage() -> None:
    *tokens, last = await answer(question("八个汉字共二十四", text="a b c", reasoning="let me think"))
    assert [(each.reasoning, each.text) for each in tokens] == [
        *(("let", ""), (" me", ""), (" think", "")),
        *(("", "a"), ("", " b"), ("", " c")),
    ]
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (6, 6, 12)


async def test_scripts_are_kept_to_the_letter() -> None:
    assert await text_of(question(text="a\0b\ud83d 😀")) == "a\ufffdb\ufffd 😀"
    assert await text_of(question(text="")) == ""
    assert await text_of(question(tokens=4)) == "1 2 3 4"
    assert len(await answer(question(tokens=10_000))) == 10_001
    settings = MappingProxyType({"offline": MappingProxyType({"text": "t", "rate": 0})})
    assert await text_of(ProviderRequest("offline", [], settings)) == "t"


@pytest.mark.parametrize("code", sorted(BY_CODE))
async def test_it_fails_on_demand(code: str) -> None:
    got: list[Delta] = []
    with pytest.raises(BY_CODE[code]) as failure:
        async for deltas in OfflineProvider().stream(question(tokens=9, fail_after=3, error=code)):
            got += deltas
    assert failure.value.code == code
    assert "".join(delta.text for delta in got) == "1 2 3"


@pytest.mark.parametrize(
    ("script", "text", "code"),
    [
        ({"error": "provider_timeout"}, "", "provider_timeout"),
        ({"fail_after": 2}, "1 2", "provider_disconnected"),
        ({"fail_after": 5}, "1 2 3 4 5", "provider_disconnected"),
        ({"fail_after": 6}, "1 2 3 4 5", "ok"),
        ({"fail_after": 1, "reasoning": "hm", "hang_after": 3}, "", "provider_disconnected"),
    ],
)
async def test_where_it_fails(script: dict[str, Any], text: str, code: str) -> None:
    got, ended = "", "ok"
    try:
        async for deltas in OfflineProvider().stream(question(tokens=5, **script)):
            got += "".join(delta.text for delta in deltas)
    except ProviderError as failure:
        ended = failure.code
    assert (got, ended) == (text, code)


async def test_it_hangs_on_demand_and_can_be_left() -> None:
    stream = OfflineProvider().stream(question(tokens=5, hang_after=2))
    assert [delta.text for delta in await anext(stream)] == ["1", " 2"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.05)


@pytest.mark.parametrize(
    "script",
    [
        *([], "text", 7, True, {"typo": 1}, {1: 2}, {"text": 5}, {"tokens": -1}, {"tokens": 10**9}),
        *({"tokens": 1.5}, {"rate": -1}, {"rate": "fast"}, {"rate": float("nan")}, {"rate": float("inf")}),
        *(
            {"fail_after": -1},
            {"fail_after": "2"},
            {"error": "no_such_code"},
            {"error": 5},
            {"hang_after": []},
        ),
        {"reasoning": None},
    ],
    ids=repr,
)
async def test_a_malformed_script_is_a_clear_error(script: Any) -> None:
    with pytest.raises(ProviderInvalidSettings) as refusal:
        await answer(ProviderRequest("offline", [], {"offline": script}))
    assert refusal.value.values["reason"].startswith("offline")


async def test_the_rate_is_kept() -> None:
    started = time.perf_counter()
    assert len(await answer(question(tokens=40, rate=200))) == 41
    assert 0.18 < time.perf_counter() - started < 0.6


async def test_a_late_wake_up_is_made_up_for() -> None:
    stream = OfflineProvider().stream(question(tokens=30, rate=100))
    assert len(await anext(stream)) == 1
    time.sleep(0.1)  # noqa: ASYNC251
    assert 8 <= len(await anext(stream)) <= 12
    await stream.aclose()


async def test_full_speed_lets_others_have_their_turn() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await answer(question(tokens=3200))
    other.cancel()
    assert turns >= 100
