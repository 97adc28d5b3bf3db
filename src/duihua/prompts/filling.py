"""Filling `{{name}}`: one pass of plain substitution, nothing of a template language.

A name that nothing gives a value for stays as it is written, so that texts about templates survive. What
a value says is never looked at again: braces in it are text.
"""

import re
from collections.abc import Mapping
from typing import Any

from duihua.core.errors import AppError
from duihua.core.i18n import messages_of

# A letter or underscore of any script first, so that {{1}} and {{ }} are text.
_PLACEHOLDER = re.compile(r"\{\{[ \t]*([^\W\d][\w.-]{0,99})[ \t]*\}\}")
MOST_CHARS = 1_000_000

Scalar = str | int | float | bool | None


class PromptTooLong(AppError):
    """Filled with its variables the text would have more characters than `MOST_CHARS`."""

    code = "prompt_too_long"
    status = 413


messages_of(
    {
        "prompt_too_long": (
            "提示词填入变量后超过 {limit} 个字符的上限；未保存任何内容",
            "Filled with its variables the prompt exceeds {limit} characters; nothing was stored",
        )
    }
)


def names_in(content: str) -> list[str]:
    """The names of the variables in `content`, each once, in order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(content)))


def fill(content: str, values: Mapping[str, Scalar]) -> str:
    """`content` with each `{{name}}` replaced by its value. Raises PromptTooLong."""
    length = 0

    def value_of(match: re.Match[str]) -> str:
        nonlocal length
        value = values.get(match[1])
        text = match[0] if value is None else _text(value)
        length += len(text)
        if length > MOST_CHARS:
            raise PromptTooLong(limit=MOST_CHARS)
        return text

    filled = _PLACEHOLDER.sub(value_of, content)
    if len(filled) > MOST_CHARS:
        raise PromptTooLong(limit=MOST_CHARS)
    return filled


def missing(content: str, values: Mapping[str, Scalar]) -> list[str]:
    """The names in `content` that have no value, in order."""
    return [name for name in names_in(content) if values.get(name) is None]


def defaults(variables: Any) -> dict[str, Scalar]:
    """The values that a stored prompt brings along.

    `variables` is what clients store there: `{name: value}`, `{name: {"default": value}}`, or a list of
    `{"name": …, "default": value}` and of bare names. Anything else has no defaults.
    """
    if isinstance(variables, dict):
        found = {str(name): _default(value) for name, value in variables.items()}
    elif isinstance(variables, list):
        named = [item for item in variables if isinstance(item, dict) and isinstance(item.get("name"), str)]
        found = {item["name"]: _default(item) for item in named}
    else:
        found = {}
    return {name: value for name, value in found.items() if value is not None}


def _default(value: Any) -> Scalar:
    if isinstance(value, dict):
        value = next((value[key] for key in ("default", "default_value", "value") if key in value), None)
    return value if isinstance(value, str | int | float | bool) else None


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
