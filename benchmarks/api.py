"""Duihua's API as the benchmarks use it."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from benchmarks.sse_client import Exchange, get, open_exchange, post

STREAM = "/chat/messages/stream"


class Refused(RuntimeError):
    """An answer that is no success."""


class Api:
    """The JSON half of the API at a port, which may change when the server is restarted."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=16), json_serialize=lambda value: _encode(value).decode()
        )

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """`data` of an answer; `body` may be a form.

        Raises:
            Refused, or aiohttp.ClientError where there is no answer.
        """
        sent: dict[str, Any] = {"data" if isinstance(body, aiohttp.FormData) else "json": body}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self._session.request(method, url, **sent) as response:
            answer = msgspec.json.decode(await response.read())
            if response.status != 200:
                raise Refused(f"{method} {path}: {response.status} {answer}")
            return answer["data"]

    async def conversation(self, **fields: Any) -> str:
        """The uuid of a new conversation. It has a title, so that its model is not asked for one."""
        return str((await self.call("POST", "/chat/conversations", {"title": "测量"} | fields))["uuid"])

    async def messages(self, chat_id: str) -> list[dict[str, Any]]:
        """Every message of a conversation's active branch, oldest first."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            path = f"/chat/conversations/{chat_id}/messages?pageSize=100&pageNum={page}"
            data = await self.call("GET", path)
            found += data["list"]
            if len(found) >= data["total"] or not data["list"]:
                return found
            page += 1


def say(port: int, chat_id: str, content: str, script: Mapping[str, Any], **headers: str) -> bytes:
    """The request that sends a message and streams the reply; `script` is for the upstream."""
    body = {"chat_id": chat_id, "content": content, "config": {"upstream": script}}
    return post(port, STREAM, body, **headers)


def ask_model(port: int, content: str, script: Mapping[str, Any]) -> bytes:
    """The same question to an OpenAI-compatible server, as Duihua would put it."""
    body = {"model": "bench", "messages": [{"role": "user", "content": content}], "stream": True}
    return post(port, "/v1/chat/completions", body | {"upstream": script})


async def join(port: int, task_id: str, after: int | None = None) -> Exchange:
    """Follow a generation from its start, or after an event."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    return await open_exchange(port, get(port, f"{STREAM}/{task_id}", **headers))


_encode = msgspec.json.encode
