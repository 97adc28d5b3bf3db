"""An OpenAI-compatible model server that costs little and keeps time: `python -m benchmarks.upstream`.

Each token is one write of about 330 bytes, due at an absolute time. What it says follows from the
question (`replies`); what it did, and when, can be asked for at `/log/KEY`.

A request's field `upstream` is its script: `chunks` or `text`, `rate` (tokens a second; 0: as fast as
the loop turns), `key` (the name of its entry in the log).
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from typing import cast

import httptools
import msgspec
import uvloop

from benchmarks import replies

# A chunk as OpenAI sends it, about 330 bytes long with a token of four.
_BEFORE = (
    b'data: {"id":"chatcmpl-8f1c0b6a2d9e4c7f9a1b3c5d7e9f0a2b","object":"chat.completion.chunk",'
    b'"created":1795000000,"model":"bench","service_tier":"default","system_fingerprint":"fp_44709d6fcb",'
    b'"choices":[{"index":0,"delta":{"content":'
)
_AFTER = b'},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x9Jq2mVt7LrB4n"}\n\n'
_END = (
    b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":7,'
    b'"completion_tokens":%d,"total_tokens":%d}}\n\n'
    b"data: [DONE]\n\n"
)
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_MODELS = b'{"object":"list","data":[{"id":"bench","object":"model","owned_by":"duihua"}]}'


class Script(msgspec.Struct):
    """How to answer one request."""

    chunks: int = 100
    rate: float = 50.0
    text: str | None = None
    key: str | None = None


class _Said(msgspec.Struct):
    role: str
    content: str


class _Request(msgspec.Struct):
    messages: list[_Said]
    upstream: Script = msgspec.field(default_factory=Script)


class Call(msgspec.Struct):
    """The log of one request: its prompt's digest, and when each token was written (CLOCK_MONOTONIC).

    `closed_at` is when its connection was lost.
    """

    prompt: str
    sent: list[float] = []
    closed_at: float | None = None


class _Reply:
    """One answer under way."""

    def __init__(self, transport: asyncio.Transport, request: _Request, call: Call) -> None:
        script = request.upstream
        question = request.messages[-1].content
        tokens = replies.pieces(question, script.chunks) if script.text is None else replies.cut(script.text)
        self._tokens, self._period = tokens, 1 / script.rate if script.rate else 0.0
        self._transport, self._sent = transport, call.sent
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._timer: asyncio.Handle | None = None
        self._is_paused = False

    def begin(self) -> None:
        self._transport.write(_STREAM_HEAD)
        self._step()

    def pause(self) -> None:
        self._is_paused = True

    def resume(self) -> None:
        self._is_paused = False
        if self._timer is None and not self._transport.is_closing():
            self._step()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _step(self) -> None:
        done = len(self._sent)
        if done == len(self._tokens):
            self._transport.write(_chunked(_END % (done, done + 7)) + b"0\r\n\r\n")
            self._timer = None
            return
        token = msgspec.json.encode(self._tokens[done])
        self._sent.append(time.monotonic())
        self._transport.write(_chunked(_BEFORE + token + _AFTER))
        self._timer = None
        if not self._is_paused:
            # When late, the next token still is a write of its own: it waits for the loop's next turn.
            self._timer = self._loop.call_at(self._began + (done + 1) * self._period, self._step)


class _Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, log: dict[str, list[Call]]) -> None:
        self._log = log
        self._reply: _Reply | None = None
        self._call: Call | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._body = b"", b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._reply is not None and self._call is not None:
            self._reply.stop()
            self._call.closed_at = time.monotonic()

    def pause_writing(self) -> None:
        if self._reply is not None:
            self._reply.pause()

    def resume_writing(self) -> None:
        if self._reply is not None:
            self._reply.resume()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        url, body = self._url.decode(), self._body
        # The parser cannot be replaced while it calls back.
        asyncio.get_running_loop().call_soon(self._begin)
        if url == "/v1/chat/completions":
            self._answer(msgspec.json.decode(body, type=_Request))
        elif url == "/v1/models":
            self._transport.write(_json(_MODELS))
        elif url.startswith("/log/"):
            self._transport.write(_json(msgspec.json.encode(self._log.get(url[5:], []))))
        else:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _answer(self, request: _Request) -> None:
        call = self._call = Call(replies.digest((said.role, said.content) for said in request.messages))
        if request.upstream.key is not None:
            self._log.setdefault(request.upstream.key, []).append(call)
        self._reply = _Reply(self._transport, request, call)
        self._reply.begin()


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _json(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def serve(port: int, connection: Callable[[], asyncio.Protocol]) -> None:
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    log: dict[str, list[Call]] = {}
    uvloop.run(serve(parser.parse_args().port, lambda: _Connection(log)))


if __name__ == "__main__":
    main()
