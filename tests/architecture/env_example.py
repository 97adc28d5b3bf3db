"""Writes `.env.example` from `Config`: `python -m tests.architecture.env_example`."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from duihua.core.config import Config
from tests.architecture.tree import ROOT

PATH = ROOT / ".env.example"
COMMAND = ".venv/bin/python -m tests.architecture.env_example"
_HEAD = """\
# Every option of the server. A line that is commented out shows the default: copy this file to .env and
# uncomment what you change. The environment wins over .env.
"""


def render() -> str:
    """The text that `.env.example` must have."""
    return "\n".join([_HEAD, *(_entry(name, field) for name, field in Config.model_fields.items())])


def variables(name: str, field: FieldInfo) -> list[str]:
    """The environment variables that set a field, the one to write first."""
    if not isinstance(field.validation_alias, AliasChoices):
        return [f"{Config.model_config['env_prefix']}{name}".upper()]
    return [str(choice) for choice in field.validation_alias.choices if str(choice).isupper()]


def _entry(name: str, field: FieldInfo) -> str:
    return f"# {'; '.join(_facts(field))}\n#{variables(name, field)[0]}={_written(field.default)}\n"


def _facts(field: FieldInfo) -> Iterator[str]:
    yield field.description or ""
    if get_origin(field.annotation) is Literal:
        yield "one of " + ", ".join(get_args(field.annotation))


def _written(default: Any) -> str:
    if default is None or default is PydanticUndefined:
        return ""
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default).lower() if isinstance(default, bool) else str(default)


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
