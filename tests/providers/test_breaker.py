"""A provider that does not answer is left alone for a while, tried, and asked again once it answers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from duihua.core.i18n import translate
from duihua.providers import breaker
from duihua.providers.breaker import FAILURES, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Breakers
from duihua.providers.endpoint import Endpoint, Timeouts
from duihua.providers.errors import (
    ProviderError,
    ProviderPaused,
    ProviderTimeout,
    ProviderUnauthorized,
    ProviderUnreachable,
)
from duihua.providers.openai import OpenAIProvider, base_url_of
from tests.fixtures.upstream import DONE, FINISH, Act, Script, Upstream, answer, delta, head, reply
from tests.providers.reading import ask, connection, request

HERE, THERE = (Endpoint(name, f"http://{name}.example/v1", "key") for name in ("here", "there"))


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    yield Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock)


def fail(breakers: Breakers, times: int = 1, error: ProviderError | None = None) -> None:
    for _ in range(times):
        with suppress(ProviderUnreachable, ProviderTimeout), breakers.attempt(HERE):
            raise error or ProviderUnreachable(provider="here", reason="refused")


def succeed(breakers: Breakers, endpoint: Endpoint = HERE, *, insists: bool = False) -> None:
    with breakers.attempt(endpoint, insists=insists) as attempt:
        attempt.answered()


def seconds_left(breakers: Breakers) -> int | None:
    with pytest.raises(ProviderPaused) as refused, breakers.attempt(HERE):
        pass
    return refused.value.retry_after


def test_it_opens_after_failures_in_a_row_and_for_that_address_alone(breakers: Breakers) -> None:
    fail(breakers, FAILURES - 1)
    succeed(breakers)
    fail(breakers, FAILURES - 1)
    succeed(breakers)
    assert breakers.paused == 0
    fail(breakers, FAILURES)
    assert breakers.paused == 1
    assert seconds_left(breakers) == FIRST_PAUSE_SECONDS
    succeed(breakers, THERE)


def test_one_question_tries_when_the_pause_is_over(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, FAILURES)
    clock.now += FIRST_PAUSE_SECONDS
    with breakers.attempt(HERE) as attempt:
        assert seconds_left(breakers) == 1
        attempt.answered()
        succeed(breakers)
    assert breakers.paused == 0
    fail(breakers, FAILURES - 1)
    succeed(breakers)


def test_the_pauses_become_longer_up_to_a_limit(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, FAILURES)
    pauses = [seconds_left(breakers)]
    for _ in range(6):
        clock.now += pauses[-1] or 0
        fail(breakers)
        pauses.append(seconds_left(breakers))
    assert pauses == [5, 10, 20, 40, *[LONGEST_PAUSE_SECONDS] * 3]


def test_what_was_asked_before_does_not_lengthen_a_pause(breakers: Breakers) -> None:
    attempts = [breakers.attempt(HERE) for _ in range(3 * FAILURES)]
    for attempt in attempts:
        attempt.__enter__()
    for attempt in attempts:
        error = ProviderUnreachable(provider="here")
        with suppress(ProviderUnreachable):
            attempt.__exit__(type(error), error, None)
    assert seconds_left(breakers) == FIRST_PAUSE_SECONDS


def test_whoever_tried_and_went_away_leaves_it_to_the_next(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, FAILURES)
    clock.now += FIRST_PAUSE_SECONDS
    with suppress(asyncio.CancelledError), breakers.attempt(HERE):
        raise asyncio.CancelledError
    succeed(breakers)
    assert breakers.paused == 0


def test_a_refusal_is_an_answer(breakers: Breakers) -> None:
    for _ in range(3 * FAILURES):
        fail(breakers, FAILURES - 1)
        with suppress(ProviderUnauthorized), breakers.attempt(HERE):
            raise ProviderUnauthorized(provider="here")
    assert breakers.paused == 0


def test_a_reply_that_stalls_in_the_middle_is_no_failure_to_answer(breakers: Breakers) -> None:
    for _ in range(2 * FAILURES):
        with suppress(ProviderTimeout), breakers.attempt(HERE) as attempt:
            attempt.answered()
            raise ProviderTimeout(provider="here")
    assert breakers.paused == 0


def test_whoever_insists_is_let_through_and_mends_it(breakers: Breakers) -> None:
    fail(breakers, FAILURES)
    succeed(breakers, insists=True)
    succeed(breakers)


@asynccontextmanager
async def paused() -> AsyncIterator[tuple[Upstream, OpenAIProvider]]:
    """A provider that is left alone, and would answer now."""
    async with Upstream(answer(503, b"")) as upstream, connection(upstream.url) as provider:
        for _ in range(FAILURES):
            assert (await ask(provider)).code == "provider_unavailable"
        upstream.turn_to(reply("好了"))
        yield upstream, provider


async def test_nothing_is_sent_while_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "FIRST_PAUSE_SECONDS", 0.3)
    async with paused() as (upstream, provider):
        asked = len(upstream.calls)
        told = (await ask(provider)).error
        assert isinstance(told, ProviderPaused)
        assert (told.retry_after, len(upstream.calls)) == (1, asked)
        assert "5 次" in translate(told.code, "zh", **told.values)
        await asyncio.sleep(0.35)
        assert (await ask(provider)).text == "好了"
        assert (await ask(provider)).text == "好了"


@pytest.mark.parametrize(
    "neighbour",
    [
        Endpoint("mine", HERE.base_url, "another key"),
        Endpoint("mine", HERE.base_url, "key", timeouts=Timeouts(first_byte=600)),
    ],
    ids=["another key", "more patience"],
)
def test_failures_of_one_connection_are_not_those_of_another(breakers: Breakers, neighbour: Endpoint) -> None:
    fail(breakers, FAILURES)
    succeed(breakers, neighbour)
    # That one was answered does not mend the other either: its key may be what fails.
    assert seconds_left(breakers) == FIRST_PAUSE_SECONDS


def test_the_same_connection_made_anew_is_the_same(breakers: Breakers) -> None:
    fail(breakers, FAILURES)
    with pytest.raises(ProviderPaused), breakers.attempt(Endpoint("renamed", HERE.base_url, "key")):
        pass


async def test_an_impatient_neighbour_pauses_nobody_else() -> None:
    slow: Script = [0.3, head() + delta("好") + FINISH + DONE]
    async with Upstream(slow) as upstream, connection(upstream.url) as patient:
        endpoint = Endpoint("hasty", base_url_of(upstream.url), "other", timeouts=Timeouts(first_byte=0.05))
        hasty = OpenAIProvider(endpoint, patient._transport)
        for _ in range(FAILURES):
            assert (await ask(hasty)).code == "provider_timeout"
        assert (await ask(hasty)).code == "provider_paused"
        assert (await ask(patient)).text == "好"


async def test_what_a_server_said_of_one_question_is_told_to_no_other() -> None:
    script = answer(500, {"error": {"message": "cannot render 'a private question'"}})
    async with Upstream(script) as upstream, connection(upstream.url) as provider:
        for _ in range(FAILURES):
            await ask(provider)
        told = (await ask(provider)).error
    assert isinstance(told, ProviderPaused)
    assert told.values["reason"] == "HTTP 500"


async def test_a_person_may_try_it_meanwhile() -> None:
    async with paused() as (_, provider):
        question = request()
        insisting = type(question)(question.model, question.messages, question.settings, insists=True)
        assert (await ask(provider)).code == "provider_paused"
        assert (await ask(provider, insisting)).text == "好了"
        assert (await ask(provider)).text == "好了"


async def test_whoever_says_nothing_is_left_alone_too() -> None:
    silent = [head(), Act.HOLD]
    async with Upstream(silent) as upstream, connection(upstream.url) as provider:
        provider._endpoint.timeouts = type(provider._endpoint.timeouts)(first_byte=0.05, idle=0.05)
        codes = [(await ask(provider)).code for _ in range(FAILURES + 1)]
    assert codes == ["provider_timeout"] * FAILURES + ["provider_paused"]
