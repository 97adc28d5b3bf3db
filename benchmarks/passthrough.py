"""The yardstick: a proxy that passes an upstream's bytes through and does nothing else.

The cheapest thing that Python can do between a model and a browser: aiohttp to read, raw ASGI `send` on
uvicorn (uvloop, httptools) to write. It parses nothing, keeps nothing and checks nothing.
"""

import argparse
from typing import Any

import aiohttp
import uvicorn

_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class PassThrough:
    """An ASGI application: `POST` anything goes to the upstream, `GET` anything says that it is alive."""

    def __init__(self, upstream: str) -> None:
        self._url = f"{upstream}/chat/completions"
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        if scope["method"] == "GET":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})
            return
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        body = await _body(receive)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        async with self._session.post(self._url, data=body, headers=headers) as response:
            await send({"type": "http.response.start", "status": response.status, "headers": _HEADERS})
            async for data in response.content.iter_any():
                await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True, help="base URL, with /v1")
    given = parser.parse_args()
    app = PassThrough(given.upstream)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
