"""Sending files, and looking at what is stored of them."""

from pathlib import Path
from typing import Any

from tests.api.routes import upload
from tests.fixtures.client import Client, Reply


async def send(client: Client, name: str, content: bytes, **options: Any) -> Reply:
    """Upload one file."""
    return await client.post("/chat/upload", data=upload(name, content), **options)


async def stored(client: Client, name: str = "a.txt", content: bytes = b"hello") -> dict[str, Any]:
    """Upload one file that must be taken; its facts."""
    return (await send(client, name, content)).data


async def content_of(client: Client, path: str) -> tuple[int, bytes, dict[str, str]]:
    """Download; status, bytes and headers."""
    async with client.session.get(client.origin + path) as response:
        return response.status, await response.read(), dict(response.headers)


def on_disk(folder: Path) -> list[str]:
    """The names of all files that uploads may leave in a data folder."""
    places = [folder / "incoming", folder / "files"]
    return sorted(path.name for place in places for path in place.rglob("*") if path.is_file())
