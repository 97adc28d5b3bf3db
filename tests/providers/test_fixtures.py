"""Trouble upstream is named, what came before it is kept, and truncation is never success (G6, G18)."""

import asyncio
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from duihua.providers.base import Usage
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import ProviderUnreachable
from duihua.providers.openai_reply import OpenAIReply
from tests.fixtures.upstream import DONE, FINISH, Act, Script, Upstream, answer, delta, event, head, reply
from tests.providers.reading import ask, connection
from tests.providers.upstream_fixtures import FIXTURES, Fixture


async def check(fixture: Fixture) -> None:
    async with Upstream(fixture.script) as upstream:
        async with connection(upstream.url, timeouts=fixture.timeouts) as provider:
            outcome = await ask(provider)
        assert outcome.code == fixture.code, outcome
        assert fixture.text in {"*", outcome.text}
        assert outcome.reasoning == fixture.reasoning
        assert len(upstream.calls) == fixture.calls


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.name)
@pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_each_upstream_has_its_outcome(
    fixture: Fixture, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(check(fixture))


async def test_08_done_is_the_end_though_the_socket_stays_open() -> None:
    script: Script = [head() + delta("x") + FINISH + DONE, Act.HOLD]
    async with Upstream(script) as upstream, connection(upstream.url) as provider:
        started = time.perf_counter()
        assert (await ask(provider)).code == "ok"
        assert time.perf_counter() - started < 0.5
        async with asyncio.timeout(1):
            await upstream.client_closed.wait()


def test_21_every_split_of_an_emoji() -> None:
    stream = delta("a😀") + delta("é你") + FINISH + DONE
    for cut in range(len(stream) + 1):
        reading = OpenAIReply(Endpoint("x", "http://x"), "m")
        deltas = (reading.feed(stream[:cut]) if cut else []) + reading.feed(stream[cut:])
        assert "".join(each.text for each in deltas) == "a😀é你"
        assert reading.verdict(None) is None


async def test_37_unavailable_then_well() -> None:
    async with Upstream(answer(503, b""), answer(500, {"error": "?"}), reply("fine")) as upstream:
        async with connection(upstream.url) as provider:
            outcome = await ask(provider)
        assert (outcome.code, outcome.text, len(upstream.calls)) == ("ok", "fine", 3)


def test_40_a_certificate_for_another_name(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=elsewhere.example"
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def check_refused() -> None:
        async with Upstream(reply("never"), tls=context) as upstream:
            async with connection(upstream.url.replace("http:", "https:")) as provider:
                error = (await ask(provider)).error
            assert isinstance(error, ProviderUnreachable)
            assert "certificate" in error.values["reason"].lower()
            assert not error.is_transient
            assert upstream.calls == []

    asyncio.run(check_refused())


async def test_40_no_tls_at_all() -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, connection(address) as provider:
        assert (await ask(provider)).code == "provider_unreachable"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}, Usage(3, 4, 9)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(3, 4, 7)),
        ({"prompt_tokens": -3, "completion_tokens": 4.7, "total_tokens": 10**30}, Usage(0, 4, 2**53)),
        ({"prompt_tokens": 1e300, "completion_tokens": 2**63, "total_tokens": None}, Usage(*[2**53] * 3)),
        (
            {"prompt_tokens": float("inf"), "completion_tokens": float("nan"), "total_tokens": "9"},
            Usage(2**53, 0, 2**53),
        ),
    ],
)
async def test_44_usage_is_made_of_counts(counts: dict[str, Any], expected: Usage) -> None:
    last = event({"choices": [], "usage": counts})
    script = [head() + delta("x") + FINISH + last + DONE]
    async with Upstream(script) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider)).usage == expected
