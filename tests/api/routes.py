"""The API as its OpenAPI document tells it, and requests made from that: a new route is tested unasked."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import aiohttp
from jsonschema import Draft202012Validator

from duihua.app import create_app
from duihua.core.config import Config
from tests.fixtures.client import Client
from tests.fixtures.rows import Owned

# What each name that means an object means: an attribute of `Owned`. `ids` mean another thing on every path.
OBJECTS = {
    "chat_id": "chat",
    "chat_ids": "chat",
    "group_id": "group",
    "target_group_id": "group",
    "message_id": "message",
    "parent_id": "reply",
    "task_id": "task",
    "api_key_id": "connection",
    "prompt_id": "prompt",
    "connection_id": "connection",
    "/chat/import/{task_id} task_id": "import_task",
    "/chat/import/{task_id}/cancel task_id": "import_task",
    "/chat/api-keys id": "connection",
    "/chat/api-keys/test id": "connection",
    "/chat/api-keys/batch ids": "connection",
    "/chat/api-keys/batch/status ids": "connection",
    "/chat/prompts id": "prompt",
    "/chat/prompts/batch ids": "prompt",
    "/chat/conversations/batch ids": "chat",
    "/chat/trash ids": "chat",
    "/chat/trash/restore ids": "chat",
    "/chat/conversations/{chat_id}/messages before": "message",
    "/chat/conversations/{chat_id}/messages after": "message",
    "/chat/conversations/{chat_id}/messages around": "message",
    "file_id": "file",
    "files": "file",
}
# Streams that go on until their client leaves; tests/cluster/test_events.py is about them.
ENDLESS = {"/chat/events"}
NO_OBJECTS = {"model_id", "default_model_id", "last_event_id"}
_ID_LIKE = re.compile(r"(^|_)(ids?|uuids?|before|after|around|files?)$")
_TEXTS = {
    "model_url": "http://127.0.0.1:9/v1",
    # An active one would be asked.
    "/chat/api-keys status": "inactive",
    "/chat/api-keys/batch/status status": "inactive",
    "/chat/conversations/batch/status status": "archived",
    "content": "你好",
    "color": "#fff",
    "timezone": "Asia/Shanghai",
    "begin_time": "2026-01-31",
    "end_time": "2999-12-31",
    "start_date": "2026-01-31",
    "end_date": "2026-01-31",
}
# What a route's file must hold, where not anything will do.
UPLOADS: dict[str, dict[str, Any]] = {"/chat/import": {"content": b'{"format": "duihua"}'}}
# A form, of what the caller owns; tests/transfer is about what they answer.
FORMS = {"/chat/export/chosen": {"chat_ids": "chat"}}
# What the document cannot say is required: one thing or the other.
_NEEDED = {
    "POST /chat/messages": {"content"},
    "POST /chat/messages/stream": {"content"},
    "POST /chat/api-keys": {"model_url", "status"},
    "POST /chat/api-keys/test": {"id"},
    "POST /chat/export/batch": {"chat_ids"},
    "POST /chat/utils/generate-title": {"content"},
}


class Field(NamedTuple):
    """A parameter, or a top-level field of a JSON body; `schema` carries the document's components."""

    place: str
    name: str
    required: bool
    schema: dict[str, Any]

    def __hash__(self) -> int:
        return hash((self.place, self.name))

    def accepts(self, value: Any) -> bool:
        """Whether the document says so."""
        return bool(Draft202012Validator(self.schema).is_valid(value))

    def limit(self, keyword: str) -> int | None:
        """Its `maxLength`, `minimum` …; None where it has none."""
        return next((part[keyword] for part in self.parts() if keyword in part), None)

    @property
    def says_what(self) -> bool:
        """Whether it names what the request is about: one such field is needed, though none is by itself."""
        return (self.place, self.name) in {("query", "task_id"), ("body", "ids"), ("body", "chat_ids")}

    @property
    def kinds(self) -> set[str]:
        """The JSON types that it may have."""
        return {kind for part in self.parts() if (kind := part.get("type"))}

    def parts(self) -> Iterator[dict[str, Any]]:
        """Its schema, and those that it is any of."""
        pending = [self.schema]
        while pending:
            part = pending.pop()
            if "$ref" in part:
                name = part["$ref"].rpartition("/")[2]
                pending.append(self.schema["components"]["schemas"][name])
            pending.extend(part.get("anyOf", []))
            yield part


class Route(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    fields: tuple[Field, ...]
    takes_json: bool
    takes_file: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def at(self, *places: str) -> list[Field]:
        return [field for field in self.fields if field.place in places]

    def object_of(self, field: Field) -> str | None:
        """Which attribute of `Owned` a field names; None where it names no object. Fails where unknown."""
        kind = OBJECTS.get(f"{self.path} {field.name}") or OBJECTS.get(field.name)
        # Nothing but an id may be a number or a text.
        is_reference = {"string", "integer"} <= field.kinds
        if kind is None and field.name not in NO_OBJECTS and (is_reference or _ID_LIKE.search(field.name)):
            raise AssertionError(f"{self}: say in tests/api/routes.py what {field.name} names")
        return kind

    def named_objects(self) -> list[tuple[Field, str]]:
        return [(field, kind) for field in self.fields if (kind := self.object_of(field))]

    def sample(self, field: Field, own: Owned) -> Any:
        """A value that is right for this field."""
        kind = self.object_of(field)
        if kind is not None:
            return [getattr(own, kind)] if "array" in field.kinds else getattr(own, kind)
        for name in (f"{self.path} {field.name}", field.name):
            if name in _TEXTS:
                return _TEXTS[name]
        for part in field.parts():
            if "enum" in part:
                return part["enum"][0]
        samples = {"string": "offline", "integer": 1, "boolean": False, "object": {"a": 1}, "array": []}
        return next(value for kind, value in samples.items() if kind in field.kinds)

    def least(self, own: Owned) -> dict[tuple[str, str], Any]:
        """The values without which nothing goes, by place and name."""
        more = _NEEDED.get(str(self), ())
        return {(f.place, f.name): self.sample(f, own) for f in self.fields if f.required or f.name in more}


def upload(name: str = "a.txt", content: bytes = "你好".encode()) -> aiohttp.FormData:
    """A body that holds a file."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", io.BytesIO(content), filename=name)
    return form


async def an_import(client: Client) -> str:
    """The task of an import that has ended."""
    form = upload(**UPLOADS["/chat/import"])
    task_id = (await client.post("/chat/import?async=true", data=form)).body["data"]["task_id"]
    await client.stream(f"/chat/import/{task_id}")
    return str(task_id)


def a_body(route: Route, body: dict[str, Any] | None, own: Owned) -> dict[str, Any]:
    """How aiohttp is told to send it: a file, a form, or JSON."""
    if route.takes_file:
        return {"data": upload(**UPLOADS.get(route.path, {}))}
    if route.path in FORMS:
        return {"data": {name: getattr(own, kind) for name, kind in FORMS[route.path].items()}}
    return {"json": body}


class Call(NamedTuple):
    """What is sent: `path` with its query, and the body."""

    method: str
    path: str
    body: dict[str, Any] | None


def call(route: Route, values: Mapping[tuple[str, str], Any]) -> Call:
    """`route` with these values, by place and name."""
    path = route.path
    query, body = [], {}
    for (place, name), value in values.items():
        if place == "path":
            path = path.replace("{" + name + "}", quote(str(value), safe=""))
        elif place == "query":
            query.append((name, json.dumps(value) if isinstance(value, bool) else value))
        else:
            body[name] = value
    if query:
        path += "?" + urlencode(query)
    return Call(route.method, path, body if route.takes_json else None)


@cache
def routes() -> tuple[Route, ...]:
    """Every route of the document whose answer ends."""
    every = read_routes(create_app(Config(_env_file=None)).openapi())
    return tuple(route for route in every if route.path not in ENDLESS)


def json_routes() -> list[Route]:
    """Those that take a JSON body."""
    return [route for route in routes() if route.takes_json]


def read_routes(document: dict[str, Any]) -> Iterator[Route]:
    """The routes of a document."""
    components = {"components": document["components"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            fields = [
                Field(p["in"], p["name"], p["required"], p["schema"] | components)
                for p in operation.get("parameters", [])
            ]
            content = operation.get("requestBody", {}).get("content", {})
            takes_json = "application/json" in content
            if takes_json:
                whole = Field("body", "", False, content["application/json"]["schema"] | components)
                fields += fields_in(whole)
            yield Route(method.upper(), path, tuple(fields), takes_json, "multipart/form-data" in content)


def camel(name: str) -> str:
    """`target_group_id` -> `targetGroupId`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def fields_in(field: Field) -> Iterator[Field]:
    """The fields of an object."""
    for part in field.parts():
        for name, schema in part.get("properties", {}).items():
            known = schema | {"components": field.schema["components"]}
            yield Field(field.place, name, name in part.get("required", []), known)
