"""Asking an upstream of scripts, and what came of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from duihua.providers.base import PromptMessage, ProviderRequest, Usage
from duihua.providers.endpoint import Endpoint, Timeouts
from duihua.providers.errors import ProviderError
from duihua.providers.openai import OpenAIProvider, base_url_of
from duihua.providers.transport import Transport

# Not of the usual form, which is redacted whoever it belongs to.
KEY = "canary.8f3a1c5e7b9d"
# Long enough for a busy machine where nothing hangs, short where something does.
QUICK = Timeouts(connect=1.0, first_byte=2.0, idle=1.0, ending=0.5, total=5.0)


class Outcome(NamedTuple):
    """Everything a run would see of one reply."""

    text: str
    reasoning: str
    finish_reason: str | None
    usage: Usage | None
    error: ProviderError | None

    @property
    def code(self) -> str:
        return "ok" if self.error is None else self.error.code


@asynccontextmanager
async def connection(
    url: str, *, key: str = KEY, timeouts: Timeouts = QUICK, linger_seconds: float = 0.05
) -> AsyncIterator[OpenAIProvider]:
    """A provider at `url` over a transport of its own, which hardly waits before it tries again."""
    transport = Transport(backoff_seconds=0.01, linger_seconds=linger_seconds)
    try:
        yield OpenAIProvider(Endpoint("upstream", base_url_of(url), key, timeouts=timeouts), transport)
    finally:
        await transport.close()


def request(content: str = "Hello", **settings: Any) -> ProviderRequest:
    return ProviderRequest("some-model", [PromptMessage("user", content)], settings)


async def ask(provider: OpenAIProvider, question: ProviderRequest | None = None) -> Outcome:
    """Read one reply to its end, good or bad."""
    text = reasoning = ""
    finish_reason, usage, error = None, None, None
    try:
        async for deltas in provider.stream(question or request()):
            for delta in deltas:
                text += delta.text
                reasoning += delta.reasoning
                finish_reason = delta.finish_reason or finish_reason
                usage = delta.usage or usage
    except ProviderError as failure:
        error = failure
    return Outcome(text, reasoning, finish_reason, usage, error)


async def failure_of(provider: OpenAIProvider) -> ProviderError:
    """The error of a reply that must have one."""
    error = (await ask(provider)).error
    assert error is not None
    return error
