"""Asking for replies: of the offline model by a script, of a scripted upstream over real HTTP."""

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from duihua.providers import registry
from duihua.providers.endpoint import Endpoint, Timeouts
from duihua.providers.transport import Transport
from tests.fixtures.client import Client, Event, Stream
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import Script, Upstream, models

MODEL = "scripted-model"
# Long enough for a busy machine, short where something hangs for good.
PATIENCE = Timeouts(connect=2.0, first_byte=3.0, idle=1.0, ending=0.5, total=20.0)


def asked(chat_id: str, content: str = "你好", **script: Any) -> dict[str, Any]:
    """The body of a send whose reply the offline model gives by `script`, as fast as it can."""
    return {"chat_id": chat_id, "content": content, "config": {"offline": {"rate": 0, **script}}}


class Scripted(NamedTuple):
    """A server whose only provider is `upstream`."""

    client: Client
    upstream: Upstream

    def requests(self) -> list[dict[str, Any]]:
        """The bodies of the questions that the upstream was asked."""
        return [call.json() for call in self.upstream.calls if call.method == "POST"]

    async def reply(self, content: str = "你好", **fields: Any) -> tuple[str, list[Event]]:
        """Ask in a new conversation; its uuid and the events of the reply."""
        chat_id = (await self.client.conversation(**fields))["uuid"]
        return chat_id, await self.client.stream(
            "/chat/messages/stream", {"chat_id": chat_id, "content": content}
        )


@asynccontextmanager
async def scripted(
    start_server: StartServer, *scripts: Script, timeouts: Timeouts = PATIENCE, **options: Any
) -> AsyncIterator[Scripted]:
    """A server in front of an upstream that answers the n-th question by the n-th script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "Endpoint", functools.partial(Endpoint, timeouts=timeouts))
        patch.setattr(registry, "Transport", functools.partial(Transport, backoff_seconds=0.01))
        async with (
            Upstream(models(MODEL), *scripts) as upstream,
            start_server(openai_base_url=upstream.url, **options) as client,
        ):
            # The list of models is the upstream's first request, so that its scripts meet their questions.
            await client.app.state.registry.started()
            yield Scripted(client, upstream)


async def until(stream: Stream, kind: str) -> list[Event]:
    """The events up to the first of this kind."""
    events: list[Event] = []
    async for event in stream:
        events.append(event)
        if event.data["type"] == kind:
            return events
    raise AssertionError(f"no {kind} in {events}")
