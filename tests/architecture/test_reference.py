"""`/docs` describes everything that it shows, in both languages, with examples that are true."""

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from duihua.app import create_app
from duihua.core.config import Config

CHINESE = re.compile("[\u4e00-\u9fff]")
# What holds other described things has no example of its own.
OF_PARTS = {"data", "list", "items", "conversations", "version", "reply", "errors", "overview", "trend"}
OF_PARTS |= {"models", "groups", "file", "messages", "total"}


def described(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Place, name, what holds the description, and what holds the examples: of fields and parameters."""
    for schema_name, schema in document["components"]["schemas"].items():
        for name, node in schema.get("properties", {}).items():
            yield f"{schema_name}.{name}", name, node, node
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                where = f"{method.upper()} {path} ?{parameter['name']}"
                yield where, parameter["name"], parameter, parameter["schema"]


def problems(document: dict[str, Any]) -> Iterator[str]:
    components = {"components": document["components"]}
    for where, name, node, schema in described(document):
        if not CHINESE.search(node.get("description", "")) or "·" not in node["description"]:
            yield f"{where}: described in Chinese and English?"
        examples = schema.get("examples", [])
        if not examples and name not in OF_PARTS:
            yield f"{where}: an example?"
        validator = Draft202012Validator(schema | components)
        yield from (
            f"{where}: {example!r} is none" for example in examples if not validator.is_valid(example)
        )


def document() -> dict[str, Any]:
    return create_app(Config(_env_file=None)).openapi()


def test_everything_is_described() -> None:
    found = "\n".join(problems(document()))
    assert not found, f"say it in src/duihua/http/reference.toml:\n{found}"


def test_every_operation_is_described() -> None:
    wrong = [
        f"{method.upper()} {path}"
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if not CHINESE.search(operation["summary"]) or not operation.get("description")
    ]
    assert not wrong, "say it in src/duihua/http/reference.toml, and in the function's docstring"


def test_what_is_missing_is_seen() -> None:
    parameter = {
        "name": "colour",
        "description": "its colour",
        "schema": {"type": "integer", "examples": ["a"]},
    }
    broken = {"components": {"schemas": {}}, "paths": {"/a": {"get": {"parameters": [parameter]}}}}
    assert list(problems(broken)) == [
        "GET /a ?colour: described in Chinese and English?",
        "GET /a ?colour: 'a' is none",
    ]
