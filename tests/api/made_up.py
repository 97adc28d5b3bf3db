"""Requests that Schemathesis makes up from the OpenAPI document, about things that are there."""

import re
from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from duihua.app import create_app
from duihua.core.config import Config
from tests.api.routes import ENDLESS
from tests.tour import offline
from tests.tour.client import Api, Json

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
# What tells a stranger how the server is made: a traceback, a file of the program or of its data, SQL.
_INNER = re.compile(
    rb"Traceback \(most|File \\?\"[^\"]+\", line|site-packages|/src/duihua/|/tmp/|\.py\b.{0,9}line \d"
    rb"|sqlalchemy|sqlite3|asyncpg|\bSELECT\b.{1,300}\bFROM\b|\bINSERT INTO\b|\bUPDATE\b.{1,60}\bSET\b"
)


def operations() -> list[APIOperation]:
    """Every route of the document whose answer ends."""
    described = create_app(Config(_env_file=None)).openapi()
    every = schemathesis.openapi.from_dict(described, config=SchemathesisConfig.from_dict(CONFIG))
    return [found.ok() for found in every.exclude(path=sorted(ENDLESS)).get_all_operations()]


class MadeUp:
    """Asks a server, and keeps what is `wrong`; `asked` counts requests."""

    def __init__(self, base_url: str, examples: int, heard: Callable[[Response], None] | None = None) -> None:
        self.asked, self.wrong = 0, []
        self._base_url, self._heard = base_url, heard
        self._settings = settings(
            max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        self._own: Json = {}

    def try_route(self, operation: APIOperation) -> None:
        """So many examples, besides those that the document's limits give."""
        api = Api(self._base_url)
        _empty(api)
        self._own |= things(api)
        config = HypothesisTestConfig(
            project=operation.schema.config,
            modes=list(HypothesisTestMode),
            explicit_settings=self._settings,
            seed=1,
        )
        try:
            create_test(operation=operation, test_func=self._ask, config=config)()
        except FailureGroup as failures:
            self.wrong.append(f"{operation.label}: {failures}")

    def _ask(self, case: schemathesis.Case) -> None:
        self.asked += 1
        about(case, self._own)
        answer = case.call_and_validate(base_url=self._base_url, checks=CHECKS, timeout=SECONDS)
        if answer.status_code >= 400 and (told := _INNER.search(answer.content)):
            self.wrong.append(f"{case.operation.label}: {told[0]!r}")
        if self._heard is not None:
            self._heard(answer)


def _empty(api: Api) -> None:
    """Remove every conversation: thousands that one route has made would be in each export of another."""
    while found := api.data("GET", "/chat/conversations/list?status=all&pageSize=100")["list"]:
        api.data("DELETE", "/chat/conversations/batch", {"ids": [each["uuid"] for each in found]})
    api.data("DELETE", "/chat/trash", {"all": True})


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
