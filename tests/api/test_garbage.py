"""Python's search for garbage: there is little to find, and it walks little."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.fixtures.client import Client

_SCRIPT = """
import gc
from duihua.core import garbage

walked = []

def note(phase, info):
    if phase == "start" and info["generation"] == 2:
        walked.append(len(gc.get_objects(generation=2)))

gc.disable()
garbage._LONG_SECONDS = 0.0
garbage.keep_searches_short()
gc.callbacks.insert(0, note)
kept = [[] for _ in range(1_000_000)]
print(len(walked), max(walked))
"""
_REQUESTS = 20


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_a_search_walks_no_more_than_came_since_the_last() -> None:
    ran = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    walks, most = map(int, ran.stdout.split())
    assert walks > 10
    assert most < 50_000


@pytest.mark.usefixtures("no_collection")
async def test_what_a_request_leaves_is_freed_at_once(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    gc.collect()
    for _ in range(_REQUESTS):
        await client.get("/chat/conversations/list")
        await client.put(f"/chat/conversations/{chat_id}", {"title": "名"})
        await client.get("/chat/conversations/list?page=x")
    assert gc.collect() < _REQUESTS
