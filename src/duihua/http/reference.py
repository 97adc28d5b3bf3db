"""The words of `/docs`, put into the OpenAPI document when it is asked for: `reference.toml`."""

import threading
import tomllib
from functools import cached_property
from importlib.resources import files
from typing import Any

import msgspec
from fastapi import FastAPI

Node = dict[str, Any]
_making = threading.Lock()


class DescribedAPI(FastAPI):
    """FastAPI, whose document says in Chinese and in English what each of its names means."""

    def openapi(self) -> Node:
        """The document; made once."""
        with _making:
            if not self.openapi_schema:
                describe(super().openapi())
        assert self.openapi_schema is not None
        return self.openapi_schema

    @cached_property
    def document(self) -> bytes:
        """The same as JSON."""
        return msgspec.json.encode(self.openapi())


def describe(document: Node) -> None:
    """Put the words into `document`; what has none stays as it is."""
    words = tomllib.loads(files("duihua.http").joinpath("reference.toml").read_text("utf-8"))
    fields = words["fields"]
    for name, schema in document["components"]["schemas"].items():
        for field, node in schema.get("properties", {}).items():
            _put(node, node, _first(fields, f"{name}.{field}", field))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            route = f"{method.upper()} {path}"
            operation["summary"] = words["operations"].get(route, operation.get("summary"))
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                found = _first(fields, f"{route} ?{name}", f"?{name}", name)
                _put(parameter, parameter["schema"], found)


def _first(fields: Node, *names: str) -> Node:
    return next((fields[name] for name in names if name in fields), {})


def _put(described: Node, schema: Node, words: Node) -> None:
    english = described.get("description") or words.get("en")
    described["description"] = " · ".join(text for text in (words.get("zh"), english) if text)
    if "example" in words and "examples" not in schema:
        schema["examples"] = [words["example"]]
