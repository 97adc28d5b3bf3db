"""What a first visit costs, in bytes: the entry, what it imports, and one language."""

import json
from collections.abc import Iterator
from typing import Any

from duihua.http import web_client
from tests.fixtures.client import Client
from tests.web.browser import chromium

MOST_JS = 100 * 1024
MOST_CSS = 15 * 1024
MOST_ROUTE = 40 * 1024
# Loaded at the first formula and the first code block, not by a page.
_LAZY_LIBRARIES = ("Formula", "highlight")


def _manifest() -> dict[str, Any]:
    chromium()  # Skips where the client was not built.
    return json.loads((web_client.BUILT / "manifest.json").read_text(encoding="utf-8"))


def _static(manifest: dict[str, Any], name: str) -> Iterator[str]:
    yield name
    for imported in manifest[name].get("imports", []):
        yield from _static(manifest, imported)


def _gz(file: str) -> int:
    packed = web_client.BUILT / f"{file}.gz"
    return packed.stat().st_size


def _first(manifest: dict[str, Any], *pages: str) -> set[str]:
    entry = next(name for name, chunk in manifest.items() if chunk.get("isEntry"))
    names = (entry, "src/locales/zh.js", *pages)
    return {each for name in names for each in _static(manifest, name)}


def first_files(page: str) -> set[str]:
    """Names in `/assets/` of the scripts without which a page is not there."""
    manifest = _manifest()
    return {manifest[name]["file"].removeprefix("assets/") for name in _first(manifest, page)}


def test_the_first_load_is_light() -> None:
    manifest = _manifest()
    first = _first(manifest)
    assert 50 * 1024 < sum(_gz(manifest[name]["file"]) for name in first) <= MOST_JS
    assert sum(_gz(css) for name in first for css in manifest[name].get("css", [])) <= MOST_CSS


def test_no_page_is_heavy() -> None:
    manifest = _manifest()
    pages = [chunk for chunk in manifest.values() if chunk.get("isDynamicEntry")]
    heavy = [chunk["file"] for chunk in pages if _gz(chunk["file"]) > MOST_ROUTE]
    assert all(any(name in file for name in _LAZY_LIBRARIES) for file in heavy), heavy


async def test_a_program_finds_the_page_at_the_root_and_the_envelope_elsewhere(client: Client) -> None:
    chromium()  # Skips where the client was not built.
    async with client.session.get(client.origin + "/") as response:
        assert (response.status, response.content_type) == (200, "text/html")
    async with client.session.get(client.origin + "/nothing") as response:
        assert (response.status, response.content_type) == (404, "application/json")
