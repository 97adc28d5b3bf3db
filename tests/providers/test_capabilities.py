"""What models can do: as their server says it in its own way, else as their name tells."""

import json
from typing import Any

import pytest

from duihua.providers.base import ModelInfo
from duihua.providers.capabilities import by_name, decided, said_of, traits_of
from duihua.providers.endpoint import Endpoint
from duihua.providers.openai import OpenAIProvider
from duihua.providers.transport import Transport
from tests.fixtures.upstream import Script, Upstream, answer, head

ALL = ("reasoning", "tools", "vision")


@pytest.mark.parametrize(
    ("entry", "capabilities", "context_length"),
    [
        # OpenRouter
        (
            {
                "context_length": 163840,
                "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
                "supported_parameters": ["max_tokens", "tools", "reasoning", "include_reasoning"],
            },
            ALL,
            163840,
        ),
        ({"architecture": {"input_modalities": ["text"]}, "supported_parameters": ["seed"]}, (), None),
        # Mistral
        (
            {"capabilities": {"function_calling": True, "vision": False}, "max_context_length": 32768},
            ("tools",),
            32768,
        ),
        # vLLM, Groq, llama.cpp
        ({"max_model_len": 40960, "owned_by": "vllm"}, None, 40960),
        ({"context_window": 131072}, None, 131072),
        ({"meta": {"n_ctx_train": 8192}}, None, 8192),
        # LM Studio
        (
            {"type": "vlm", "capabilities": ["tool_use"], "max_context_length": 4096},
            ("tools", "vision"),
            4096,
        ),
        # Nobody: words that we do not know, and nonsense.
        ({"capabilities": {"chat_completion": True}, "type": "model"}, None, None),
        ({"capabilities": "all", "architecture": 1, "meta": [], "context_length": True}, None, None),
    ],
)
def test_every_server_has_its_own_words(
    entry: dict[str, Any], capabilities: Any, context_length: Any
) -> None:
    assert said_of(entry) == (capabilities, context_length)


def test_names_tell_what_providers_do_not() -> None:
    for name, can in {
        "gpt-4o-mini": ("tools", "vision"),
        "openai/gpt-5-mini-2025-08-07": ALL,
        "o3-mini": ("reasoning", "tools"),
        "o3": ALL,
        "deepseek-chat": ("tools",),
        "Qwen/Qwen2.5-VL-7B-Instruct": ("vision",),
        "qwen3:8b": ("reasoning", "tools"),
        "gemma3:1b": (),
        "gemma3:4b": ("vision",),
        "some-new-vl-model": ("vision",),
        "nobody-knows": None,
    }.items():
        assert by_name(name).capabilities == can, name
    assert by_name("gpt-4.1").context_length == 1047576
    # The provider's word goes before, and a person's before that.
    assert traits_of(ModelInfo("gpt-4o", "gpt-4o", 8000, ())) == ((), 8000)
    assert decided({"capabilities": [], "context_length": 9}).or_else(by_name("o3")) == ((), 9)
    assert decided({"capabilities": "vision", "context_length": "long", "temperature": 1}) == (None, None)


SHOWN = {
    "capabilities": ["completion", "vision", "tools", "thinking"],
    "model_info": {"general.architecture": "gemma", "gemma.block_count": 3, "gemma.context_length": 131072},
}
PROPS = {
    "default_generation_settings": {"n_ctx": 4096},
    "modalities": {"vision": False, "audio": False},
    "chat_template_caps": {"supports_tools": True},
}
STUDIO = {"data": [{"id": "m", "type": "vlm", "max_context_length": 32768}, {"id": "other"}, 3]}


@pytest.mark.parametrize(
    ("name", "owner", "asked", "said", "capabilities", "context_length"),
    [
        ("ollama", "library", "/api/show", SHOWN, ALL, 131072),
        ("192.168.0.2:8080", "llamacpp", "/props", PROPS, ("tools",), 4096),
        ("lmstudio", "organization_owner", "/api/v0/models", STUDIO, ("vision",), 32768),
        # Servers that do not know the question, or answer something else: the list stands.
        ("ollama", "library", "/api/show", None, None, 7),
        ("llama.cpp", "llamacpp", "/props", [1], None, 7),
        ("lmstudio", "me", "/api/v0/models", {"data": {}}, None, 7),
    ],
)
async def test_local_servers_are_asked_in_their_own_way(
    name: str, owner: str, asked: str, said: Any, capabilities: Any, context_length: int
) -> None:
    listing = answer(200, {"data": [{"id": "m", "owned_by": owner, "context_length": 7}]})
    async with Upstream(listing, _json(said)) as upstream:
        transport = Transport()
        models = await OpenAIProvider(Endpoint(name, f"{upstream.url}/v1"), transport).list_models()
        await transport.close()
        assert models == [ModelInfo("m", "m", context_length, capabilities)]
        assert [call.path for call in upstream.calls] == ["/v1/models", asked]


def _json(value: Any) -> Script:
    if value is None:
        return answer(404, {"error": "page not found"})
    return [head(200, "application/json") + json.dumps(value).encode()]


async def test_others_are_asked_for_their_list_alone() -> None:
    async with Upstream(answer(200, {"data": [{"id": "m", "owned_by": "openai"}]})) as upstream:
        transport = Transport()
        await OpenAIProvider(Endpoint("openai", f"{upstream.url}/v1"), transport).list_models()
        await transport.close()
        assert len(upstream.calls) == 1
