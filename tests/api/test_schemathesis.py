"""Requests that Schemathesis makes up from the OpenAPI document: no 5xx, none but documented answers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks

from duihua.app import create_app
from duihua.core.config import Config
from tests.api.routes import ENDLESS
from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.server import own_server

CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
SECONDS = 20
# A connection to anywhere else than this machine must not be tried, and a refused one not again and again.
NOBODY = "http://127.0.0.1:9"
UNTRIED = {"model_url": NOBODY, "status": "inactive"}
# A wrong method is asked of every route elsewhere, in one test.
CONFIG = {"seed": 1, "phases": {"coverage": {"unexpected-methods": []}}}

schema = schemathesis.openapi.from_dict(
    create_app(Config(_env_file=None)).openapi(), config=SchemathesisConfig.from_dict(CONFIG)
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with own_server() as base_url:
        yield base_url


@pytest.fixture
def own(server: str) -> Json:
    """One thing of each kind, by the name that requests give it."""
    api, made = Api(server), {}
    made["chat"] = api.data("POST", "/chat/conversations", {"config": offline.QUICK})["uuid"]
    answer = offline.say(api, made, "你好")
    file = api.upload("/chat/upload", "a.txt", b"a")
    return {
        "chat_id": made["chat"],
        "message_id": answer["reply"]["uuid"],
        "task_id": answer["task_id"],
        "file_id": file["id"],
        "group_id": api.data("POST", "/chat/groups", {"name": "分组"})["id"],
        "prompt_id": api.data("POST", "/chat/prompts", {"title": "a", "content": "b"})["id"],
        "connection_id": api.data("POST", "/chat/api-keys", UNTRIED)["id"],
    }


@schema.exclude(path=sorted(ENDLESS)).parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_documented(case: schemathesis.Case, server: str, own: Json) -> None:
    for values in (case.path_parameters, case.body):
        if isinstance(values, dict) and not case.meta.generation.mode.is_negative:
            values |= {name: value for name, value in own.items() if name in values}
    if case.operation.path.startswith("/chat/api-keys") and isinstance(case.body, dict):
        case.body |= UNTRIED
    case.call_and_validate(base_url=server, checks=CHECKS, timeout=SECONDS)
