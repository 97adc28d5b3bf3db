"""Who asks first waits no longer than the next, and leaves nothing that every later collection walks."""

import asyncio
import subprocess
import sys
import time

import msgspec
import pytest

from duihua.http import reference
from tests.fixtures.client import Client

# FastAPI keeps what it made for other tests of this process: a new one.
_SCRIPT = """
import asyncio, gc
from duihua.app import create_app
from duihua.core.config import Config
from duihua.serving import work_out_routes

async def receive():
    return {"type": "http.request", "body": b"", "more_body": False}

async def ask():
    async def send(message):
        answers.append(message)
    await app({"type": "http", "http_version": "1.1", "method": "GET", "path": "/health", "root_path": "",
               "query_string": b"", "headers": [(b"host", b"localhost")]}, receive, send)

answers = []
app = create_app(Config(_env_file=None))
work_out_routes(app)
gc.collect()
before = len(gc.get_objects())
asyncio.run(ask())
gc.collect()
assert answers[0]["status"] == 200
print(len(gc.get_objects()) - before)
"""


def test_routes_are_worked_out_before_anybody_asks() -> None:
    ran = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 2_000


async def test_the_document_is_made_once_however_many_ask_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = reference.describe

    def slowly(document: reference.Node) -> None:
        time.sleep(0.2)
        really(document)

    monkeypatch.setattr(reference, "describe", slowly)
    # As Python 3.12 has it: without a lock.
    monkeypatch.setattr(reference.DescribedAPI, "document", property(_made))

    async def ask(method: str) -> tuple[int, bytes]:
        async with client.session.request(method, f"{client.origin}/openapi.json") as answer:
            return answer.status, await answer.read()

    *got, head = await asyncio.gather(*(ask("GET") for _ in range(4)), ask("HEAD"))
    assert set(got) == {(200, msgspec.json.encode(client.app.openapi()))}
    assert head == (200, b"")


def _made(app: reference.DescribedAPI) -> bytes:
    return msgspec.json.encode(app.openapi())
