"""The HTTP client: time-outs, retries, connections, and what never leaves it."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
import time
import traceback
from contextlib import aclosing
from email.utils import formatdate
from typing import Any

import pytest

from duihua.core.i18n import translate
from duihua.providers.endpoint import Endpoint, Timeouts
from duihua.providers.errors import ProviderError, ProviderInvalidAddress, ProviderTimeout
from duihua.providers.reply import Reply, Wire
from duihua.providers.transport import Transport
from tests.fixtures.upstream import DONE, FINISH, Act, Script, Upstream, answer, chunked, delta, head, reply
from tests.providers.reading import KEY, QUICK, ask, connection, failure_of, request


def test_nothing_of_the_client_is_imported_before_it_is_needed() -> None:
    check = "import sys, duihua.providers.registry; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize(
    ("header", "calls", "retry_after"),
    [
        ("0", 3, 0),
        ("6", 1, 6),
        ("1e9", 1, 86_400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 3, 0),
        ("soon", 3, None),
    ],
)
async def test_retry_after_is_honoured_up_to_a_cap(header: str, calls: int, retry_after: int | None) -> None:
    script = answer(429, {"error": "slow down"}, Retry_After=header)
    async with Upstream(script) as upstream, connection(upstream.url) as provider:
        error = await failure_of(provider)
    assert (error.code, error.retry_after, len(upstream.calls)) == (
        "provider_rate_limited",
        retry_after,
        calls,
    )


async def test_retry_after_may_be_a_date_to_come() -> None:
    script = answer(429, b"", Retry_After=formatdate(time.time() + 60, usegmt=True))
    async with Upstream(script) as upstream, connection(upstream.url) as provider:
        error = await failure_of(provider)
    assert 55 <= (error.retry_after or 0) <= 60
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("status", [501, 505, 511, 520, 529, 599])
async def test_every_5xx_is_the_providers(status: int) -> None:
    async with Upstream(answer(status, b"<html>")) as upstream, connection(upstream.url) as provider:
        error = await failure_of(provider)
    assert error.code in {"provider_unavailable", "provider_error"}
    assert 1 <= len(upstream.calls) <= 3


async def test_an_explanation_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duihua.providers.transport._ERROR_BODY_SECONDS", 0.2)
    endless: Script = [head(401), *([b"x" * 65_536] * 2_000), Act.HOLD]
    async with Upstream(endless) as upstream, connection(upstream.url) as provider:
        async with asyncio.timeout(10):
            error = await failure_of(provider)
        assert error.code == "provider_unauthorized"
        assert len(error.values["reason"]) < 1_000


async def test_retry_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr("duihua.providers.transport.asyncio.sleep", note)
    # A fraction is rounded up: never sooner than asked for.
    scripts = answer(503, b"", Retry_After="1.2"), answer(429, b"", Retry_After="5"), reply("x")
    async with Upstream(*scripts) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider)).code == "ok"
    assert [seconds for seconds in slept if seconds >= 1] == [2, 5]


@pytest.mark.parametrize(
    ("status", "body", "code", "calls"),
    [
        (
            400,
            {"error": {"message": "bad", "code": "context_length_exceeded"}},
            "provider_context_too_long",
            1,
        ),
        (400, {"error": {"message": "Model Not Exist"}}, "provider_model_not_found", 1),
        (402, {"error": {"message": "Insufficient Balance"}}, "provider_quota_exhausted", 1),
        (403, {}, "provider_unauthorized", 1),
        (404, {"error": {"message": "model 'm' not found"}}, "provider_model_not_found", 1),
        (404, {"detail": "Not Found"}, "provider_not_found", 1),
        (408, {}, "provider_timeout", 1),
        (422, {"detail": [{"loc": ["body"], "msg": "no"}]}, "provider_error", 1),
        (429, {"error": {"message": "?", "code": "insufficient_quota"}}, "provider_quota_exhausted", 1),
        (500, {"error": "?"}, "provider_unavailable", 3),
        (502, {}, "provider_unavailable", 3),
        (504, {}, "provider_timeout", 1),
        (307, {}, "provider_redirected", 1),
    ],
)
async def test_each_refusal_has_its_name(status: int, body: dict[str, object], code: str, calls: int) -> None:
    async with Upstream(answer(status, body)) as upstream, connection(upstream.url) as provider:
        outcome = await ask(provider)
        assert (outcome.code, len(upstream.calls)) == (code, calls)


async def test_nothing_is_retried_after_the_first_delta() -> None:
    async with Upstream([head() + delta("x")], reply("y")) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider)).text == "x"
        assert len(upstream.calls) == 1


async def test_a_refused_connection_is_tried_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    opened: list[Any] = []

    def note(address: Any) -> socket.socket:
        opened.append(address)
        return socket.socket()

    monkeypatch.setattr("duihua.providers.transport._socket_for", note)
    async with connection(f"http://127.0.0.1:{port}") as provider:
        assert (await ask(provider)).code == "provider_unreachable"
    assert [address[4] for address in opened] == [("127.0.0.1", port)] * 3


async def test_a_server_may_come_up_meanwhile() -> None:
    async with Upstream([Act.RESET], [], reply("up")) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider)).text == "up"
        assert len(upstream.calls) == 3


async def test_an_unknown_host_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with connection("http://nowhere.invalid") as provider:
        error = await failure_of(provider)
    assert (error.code, error.values["reason"]) == ("provider_unreachable", "Name or service not known")


async def test_41_connecting_hangs() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        # A queue of one that nobody empties: Linux lets later connections wait in vain.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        address = f"http://127.0.0.1:{full.getsockname()[1]}"
        async with connection(address, timeouts=Timeouts(connect=0.1)) as provider:
            error = await failure_of(provider)
    assert (error.code, error.values["reason"]) == ("provider_timeout", "no connection within 0.1 s")


async def test_retries_share_the_first_byte_time() -> None:
    async with Upstream(answer(503, b""), [Act.HOLD]) as upstream:
        async with connection(upstream.url, timeouts=Timeouts(first_byte=0.5)) as provider:
            assert (await ask(provider)).code == "provider_timeout"
        assert len(upstream.calls) == 2


async def test_a_status_counts_though_its_explanation_never_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duihua.providers.transport._ERROR_BODY_SECONDS", 0.05)
    held: Script = [head(401, Content_Length="99") + b'{"err', Act.HOLD]
    async with Upstream(held) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider)).code == "provider_unauthorized"


async def test_what_arrived_before_the_break_is_not_lost_on_a_slow_reader() -> None:
    script: Script = [
        head(Transfer_Encoding="chunked") + chunked(delta("a")),
        0.05,
        chunked(delta("b")),
        Act.RESET,
    ]
    text = ""
    async with Upstream(script) as upstream, connection(upstream.url) as provider:
        with pytest.raises(ProviderError, match="provider_disconnected"):
            async for deltas in provider.stream(request()):
                text += "".join(each.text for each in deltas)
                await asyncio.sleep(0.2)
    assert text == "ab"


async def test_the_readers_own_pauses_are_not_the_providers_silence() -> None:
    script: Script = [head() + delta("a"), 0.15, delta("b"), 0.02, FINISH + DONE]
    text = ""
    timeouts = Timeouts(first_byte=0.1, idle=0.1)
    async with Upstream(script) as upstream, connection(upstream.url, timeouts=timeouts) as provider:
        async for deltas in provider.stream(request()):
            text += "".join(each.text for each in deltas)
            await asyncio.sleep(0.3)
    assert text == "ab"


@pytest.mark.parametrize(
    ("sent", "timeouts", "code"),
    [
        (delta("x"), Timeouts(first_byte=9, idle=0.1, ending=9), "provider_timeout"),
        (delta("x") + FINISH, Timeouts(first_byte=9, idle=9, ending=0.1), "ok"),
        (b": ping\n\n", Timeouts(first_byte=0.1, idle=9, ending=9), "provider_timeout"),
    ],
)
async def test_patience_depends_on_what_has_come(sent: bytes, timeouts: Timeouts, code: str) -> None:
    held: Script = [head() + sent, Act.HOLD]
    async with Upstream(held) as upstream, connection(upstream.url, timeouts=timeouts) as provider:
        async with asyncio.timeout(2):
            assert (await ask(provider)).code == code


async def test_watching_costs_one_timer_however_many_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    armed: list[float] = []
    call_at = loop.call_at

    def note(when: float, *rest: Any, **named: Any) -> asyncio.TimerHandle:
        armed.append(when)
        return call_at(when, *rest, **named)

    async def read() -> bytes:
        return b"x"

    monkeypatch.setattr(loop, "call_at", note)

    def nothing() -> None: ...

    wire = Wire(read, bytes, nothing, nothing, nothing, lambda: True, (OSError,))
    watched = Reply(wire, Endpoint("x", "http://x"), loop.time())
    for _ in range(1000):
        assert await watched.read() == b"x"
        watched.progressed()
    watched.unwatch()
    assert len(armed) == 1


@pytest.mark.parametrize("cancelled", [False, True])
async def test_leaving_closes_the_socket_upstream(cancelled: bool) -> None:
    script: Script = [head() + delta("x"), Act.HOLD]
    async with Upstream(script) as upstream, connection(upstream.url, linger_seconds=9) as provider:
        stream = provider.stream(request())
        assert await anext(stream)
        if cancelled:
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        else:
            await stream.aclose()
        async with asyncio.timeout(5):
            await upstream.client_closed.wait()


async def test_leaving_while_nothing_has_come_closes_too() -> None:
    async with Upstream([Act.HOLD]) as upstream, connection(upstream.url, timeouts=Timeouts()) as provider:
        waiting = asyncio.create_task(ask(provider))
        await upstream.asked.wait()
        waiting.cancel()
        async with asyncio.timeout(5):
            await upstream.client_closed.wait()


async def test_what_comes_while_the_reader_is_busy_is_read_at_once() -> None:
    script: Script = [
        head() + delta("a"),
        *(item for word in "bcdef" for item in (0.01, delta(word))),
        Act.HOLD,
    ]
    async with (
        Upstream(script) as upstream,
        connection(upstream.url) as provider,
        aclosing(provider.stream(request())) as stream,
    ):
        assert [each.text for each in await anext(stream)] == ["a"]
        await asyncio.sleep(0.3)
        assert [each.text for each in await anext(stream)] == list("bcdef")


async def test_a_complete_reply_leaves_its_connection_to_the_next() -> None:
    whole: Script = [
        head(Transfer_Encoding="chunked") + chunked(delta("x") + FINISH + DONE),
        0.02,
        chunked(b""),
        Act.NEXT,
    ]
    async with Upstream(whole) as upstream, connection(upstream.url, linger_seconds=0.5) as provider:
        for _ in range(3):
            assert (await ask(provider)).code == "ok"
            await asyncio.sleep(0.05)
        assert [call.connection for call in upstream.calls] == [1, 1, 1]


async def test_more_replies_at_once_than_clients_usually_allow() -> None:
    script: Script = [head() + delta("x"), Act.HOLD]
    async with Upstream(script) as upstream, connection(upstream.url, timeouts=Timeouts()) as provider:
        streams = [provider.stream(request()) for _ in range(150)]
        firsts = await asyncio.gather(*map(anext, streams))
        assert [deltas[0].text for deltas in firsts] == ["x"] * 150
        for stream in streams:
            await stream.aclose()


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Upstream(reply("x")) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider)).code == "ok"


async def test_a_prompt_of_megabytes_arrives_whole() -> None:
    content = "长" * 1_000_000
    async with Upstream(reply("x")) as upstream, connection(upstream.url) as provider:
        assert (await ask(provider, request(content))).code == "ok"
        assert upstream.calls[0].json()["messages"][0]["content"] == content


LEAKS: list[Script] = [
    answer(401, {"error": {"message": f"Incorrect API key provided: {KEY}."}}),
    answer(401, {"error": {"message": "Incorrect: " + "\0".join(KEY)}}),
    answer(400, f"Bearer {KEY} is no good".encode(), content_type="text/plain"),
    answer(400, f"<html><title>{KEY}</title>".encode(), content_type="text/html"),
    answer(418, {"error": {"message": "x" * 280 + KEY}}),
    answer(302, b"", Location=f"http://127.0.0.1/{KEY}?key={KEY}"),
    answer(200, {"error": {"message": KEY, "code": KEY, "type": KEY}}),
    answer(200, f"<title>{KEY}</title>".encode(), content_type="text/html"),
    [head() + f'data: {{"error": "{KEY}"}}\n\n'.encode()],
    [head() + f"data: {KEY}\n\n".encode()],
    [f"HTTP/1.1 {KEY} {KEY}\r\n\r\n".encode()],
    [head(Transfer_Encoding="chunked") + KEY.encode()],
    [Act.RESET],
    [],
]


@pytest.mark.parametrize("script", LEAKS, ids=map(str, range(len(LEAKS))))
async def test_the_key_is_in_no_error(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Upstream(script) as upstream, connection(upstream.url) as provider:
        error = await failure_of(provider)
        assert upstream.calls[0].headers["authorization"] == f"Bearer {KEY}"
        # As a log would render it at its most talkative: with the variables of every frame, and the causes.
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        said = [translate(error.code, language, **error.values) for language in ("zh", "en")]
        everything = json.dumps([told, said, repr(error), str(error), repr(vars(provider)), caplog.text])
    assert KEY not in everything
    # Not the beginning of one either, where the text was cut.
    assert KEY[:10] not in everything


async def test_keys_of_others_are_hidden_too() -> None:
    body = {
        "error": {"message": "upstream said: bad key sk-proj-0a1b2c3d (Authorization: Bearer abc.def-0123)"}
    }
    async with Upstream(answer(401, body)) as upstream, connection(upstream.url) as provider:
        reason = (await failure_of(provider)).values["reason"]
    assert reason == "HTTP 401: upstream said: bad key [redacted] (Authorization: [redacted])"


async def test_reasons_are_short_and_on_one_line() -> None:
    body = {"error": {"message": "a\r\n\x1b[31m\u202eb" + "c" * 10_000}}
    async with Upstream(answer(400, body)) as upstream, connection(upstream.url) as provider:
        reason = (await failure_of(provider)).values["reason"]
    assert reason.startswith("HTTP 400: a [31m bccc")
    assert len(reason) == 300


@pytest.mark.parametrize(
    ("url", "key"),
    [
        *(
            (url, KEY)
            for url in (
                "ftp://host",
                "host",
                "http://",
                "http://[::1",
                "http://h:99999",
                "http://a..b",
                "http://a b",
            )
        ),
        *((url, KEY) for url in ("http://user:pass@host", "http://host/v1?key=1", "http://host/#x")),
        *(("http://host", key) for key in ("密钥", "two\nlines", "nul\0")),
    ],
)
def test_an_unusable_connection_is_refused_in_advance(url: str, key: str) -> None:
    with pytest.raises(ProviderInvalidAddress) as refusal:
        Endpoint("x", url, key)
    assert key not in repr(refusal.value)
    assert "pass" not in repr(refusal.value)


async def test_closing_twice_and_before_use() -> None:
    transport = Transport()
    await transport.close()
    endpoint = Endpoint("x", "http://127.0.0.1:1", timeouts=QUICK)
    with pytest.raises(ProviderError):
        await transport.get_json(endpoint, "/models", seconds=0.5)
    await transport.close()
    await transport.close()


async def test_a_list_that_never_ends_is_given_up() -> None:
    async with Upstream([head(200, "application/json") + b"[", Act.HOLD]) as upstream:
        transport = Transport()
        with pytest.raises(ProviderTimeout):
            await transport.get_json(Endpoint("x", upstream.url), "/models", seconds=0.1)
        await transport.close()
