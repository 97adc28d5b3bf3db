"""compose.yaml starts what the documents say: its options exist, and its parts fit together."""

import re
from typing import Any

import pytest
import yaml
from sqlalchemy.engine import make_url

from duihua.core.config import Config
from duihua.supervisor import MARGIN_SECONDS
from tests.architecture import env_example
from tests.architecture.tree import ROOT

COMPOSE = ROOT / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::[-?]([^}]*))?\}")


def services() -> dict[str, Any]:
    """The services, with every variable at its default; that of the password is `secret`."""
    text = _VARIABLE.sub(
        lambda found: "secret" if found[1] == "POSTGRES_PASSWORD" else found[2],
        COMPOSE.read_text(encoding="utf-8"),
    )
    parsed: dict[str, Any] = yaml.safe_load(text)["services"]
    return parsed


def documented() -> set[str]:
    """The names of all options in the environment."""
    options = Config.model_fields.items()
    return {name for option, field in options for name in env_example.variables(option, field)}


def test_every_variable_is_an_option() -> None:
    asked = {name for name, _ in _VARIABLE.findall(COMPOSE.read_text(encoding="utf-8"))}
    assert asked - {"POSTGRES_PASSWORD"} <= documented()
    assert services()["duihua"]["environment"].keys() <= documented()


def test_the_parts_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = services()
    duihua, postgres = parts["duihua"], parts["postgres"]["environment"]
    image = dict(re.findall(r"(DUIHUA_\w+)=(\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8")))
    for name, value in {**image, **duihua["environment"]}.items():
        monkeypatch.setenv(name, "" if value is None else str(value))
    config = Config(_env_file=None)
    url = make_url(config.resolved_database_url)
    assert (url.username, url.password) == (postgres["POSTGRES_USER"], postgres["POSTGRES_PASSWORD"])
    assert (url.host, url.database) == ("postgres", postgres["POSTGRES_DB"])
    assert config.redis_url is not None
    assert make_url(config.redis_url.get_secret_value()).host in parts
    assert config.workers > 1
    assert duihua["ports"] == [f"127.0.0.1:8000:{config.port}"]
    assert [volume.rpartition(":")[2] for volume in duihua["volumes"]] == [str(config.data_dir)]
    assert int(duihua["stop_grace_period"].removesuffix("s")) >= config.drain_seconds + MARGIN_SECONDS
