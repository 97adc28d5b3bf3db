"""Requests that Schemathesis makes up from the OpenAPI document: no 5xx, none but documented answers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
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
# Methods that a path does not have: test_methods.py.
CONFIG = {"seed": 1, "phases": {"coverage": {"unexpected-methods": []}}}
SETTINGS = settings(max_examples=4, deadline=None, database=None, suppress_health_check=list(HealthCheck))
# One test would be the longest of all; one for each route would make every worker read the document.
PARTS = 4


@pytest.fixture(scope="module")
def document() -> schemathesis.BaseSchema:
    described = create_app(Config(_env_file=None)).openapi()
    every = schemathesis.openapi.from_dict(described, config=SchemathesisConfig.from_dict(CONFIG))
    return every.exclude(path=sorted(ENDLESS))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with own_server() as base_url:
        yield base_url


def things(api: Api) -> Json:
    """One of each kind, by the name that requests give it."""
    made: Json = {}
    made["chat"] = api.data("POST", "/chat/conversations", {"config": offline.QUICK})["uuid"]
    answer = offline.say(api, made, "你好")
    return {
        "chat_id": made["chat"],
        "message_id": answer["reply"]["uuid"],
        "task_id": answer["task_id"],
        "file_id": api.upload("/chat/upload", "a.txt", b"a")["id"],
        "group_id": api.data("POST", "/chat/groups", {"name": "分组"})["id"],
        "prompt_id": api.data("POST", "/chat/prompts", {"title": "a", "content": "b"})["id"],
        "connection_id": api.data("POST", "/chat/api-keys", UNTRIED)["id"],
    }


def about(case: schemathesis.Case, own: Json) -> None:
    """Let what is well-formed in a request be about things that are there."""
    for values in (case.path_parameters, case.body):
        if isinstance(values, dict) and case.meta is not None and not case.meta.generation.mode.is_negative:
            values |= {name: value for name, value in own.items() if name in values}
    if case.operation.path.startswith("/chat/api-keys") and isinstance(case.body, dict):
        case.body |= UNTRIED


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_documented(document: schemathesis.BaseSchema, server: str, part: int) -> None:
    every, asked, wrong = [found.ok() for found in document.get_all_operations()], 0, []
    modes = list(HypothesisTestMode)
    config = HypothesisTestConfig(project=document.config, modes=modes, explicit_settings=SETTINGS, seed=1)
    own: Json = {}

    def ask(case: schemathesis.Case) -> None:
        nonlocal asked
        asked += 1
        about(case, own)
        case.call_and_validate(base_url=server, checks=CHECKS, timeout=SECONDS)

    for operation in every[part::PARTS]:
        own |= things(Api(server))
        try:
            create_test(operation=operation, test_func=ask, config=config)()
        except FailureGroup as failures:
            wrong.append(f"{operation.label}: {failures}")
    assert asked > 100
    assert not wrong, "\n\n".join(wrong)
