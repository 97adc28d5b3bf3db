"""What a model can do besides writing: as its provider says, else as its name tells (`models.toml`)."""

import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from duihua.providers.base import ModelInfo

VISION, TOOLS, REASONING = "vision", "tools", "reasoning"
# The words of the servers for them: Ollama, LM Studio, Mistral, OpenRouter, llama.cpp.
_WORDS: dict[str, str | None] = {
    # These tell that the others are not left out for want of saying.
    **dict.fromkeys(("text", "completion", "llm")),
    **dict.fromkeys(("vision", "image", "image_input", "multimodal", "vlm"), VISION),
    **dict.fromkeys(("tools", "tool_use", "function_calling", "supports_tools"), TOOLS),
    **dict.fromkeys(("thinking", "reasoning", "include_reasoning"), REASONING),
}
_CONTEXT = (
    "context_length",
    "max_model_len",
    "context_window",
    "loaded_context_length",
    "max_context_length",
)
_CONTEXT_IN_META = ("n_ctx", "n_ctx_train")


class Traits(NamedTuple):
    """What is known of a model: its capabilities, sorted, and its context in tokens; None: nothing."""

    capabilities: tuple[str, ...] | None = None
    context_length: int | None = None

    def or_else(self, other: "Traits") -> "Traits":
        """These, and what `other` knows where these say nothing."""
        capabilities = other.capabilities if self.capabilities is None else self.capabilities
        return Traits(capabilities, self.context_length or other.context_length)


def said_of(entry: Mapping[str, Any]) -> Traits:
    """What a provider says in an entry of its model list, in any of the forms that are in use."""
    architecture = _mapping(entry.get("architecture"))
    said = [
        *_words(architecture.get("input_modalities")),
        *_words(entry.get("input_modalities")),
        *_words(entry.get("supported_parameters")),
        *_words(entry.get("capabilities")),
        *_words(entry.get("modalities")),
    ]
    # LM Studio; other servers have types of their own.
    said += [kind for kind in ("llm", "vlm") if entry.get("type") == kind]
    meta = _mapping(entry.get("meta"))
    lengths = [*(entry.get(key) for key in _CONTEXT), *(meta.get(key) for key in _CONTEXT_IN_META)]
    is_told = any(word in _WORDS for word in said)
    return Traits(capabilities_in(said) if is_told else None, next(filter(_is_length, lengths), None))


def decided(config: Mapping[str, Any]) -> Traits:
    """What a person decided in a connection's config: `capabilities` and `context_length`, over all else."""
    words = config.get("capabilities")
    length = config.get("context_length")
    return Traits(
        capabilities_in(_words(words)) if isinstance(words, list) else None,
        length if _is_length(length) else None,
    )


def capabilities_in(words: Iterable[str]) -> tuple[str, ...]:
    """The capabilities that these words mean; others are left out."""
    return tuple(sorted({meaning for word in words if (meaning := _WORDS.get(word))}))


def traits_of(model: ModelInfo) -> Traits:
    """What is known of a model: by its provider, else by its name."""
    return Traits(model.capabilities, model.context_length).or_else(by_name(model.id))


def by_name(model_id: str) -> Traits:
    """What a model of this name is known for; nothing of names that the table does not have."""
    name = model_id.lower().rpartition("/")[2]
    return next((traits for pattern, traits in _table() if fnmatchcase(name, pattern)), Traits())


@cache
def _table() -> tuple[tuple[str, Traits], ...]:
    table = tomllib.loads(files("duihua.providers").joinpath("models.toml").read_text("utf-8"))
    return tuple(
        (pattern, Traits(tuple(sorted(row.get("can", ()))), row.get("context")))
        for row in table["models"]
        for pattern in row["names"]
    )


def _words(said: Any) -> list[str]:
    """The words of a list, or of a mapping those that are true."""
    if isinstance(said, Mapping):
        is_told = any(word in _WORDS for word in said)
        said = [word for word, is_so in said.items() if is_so is True] + ["text"] * is_told
    return [word for word in said if isinstance(word, str)] if isinstance(said, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
