"""The names a connection may give its provider: which protocol each speaks, and where it usually is."""

import re

from duihua.providers.discovery import LOCAL_SERVERS

OPENAI_BASE_URL = "https://api.openai.com/v1"
# All of these speak the OpenAI-compatible dialect, the one there is. None: it has no usual address.
_ADDRESSES: dict[str, str | None] = {
    "openai": OPENAI_BASE_URL,
    "deepseek": "https://api.deepseek.com/v1",
    "qwen": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "moonshot": "https://api.moonshot.cn/v1",
    "zhipu": "https://open.bigmodel.cn/api/paas/v4",
    "doubao": "https://ark.cn-beijing.volces.com/api/v3",
    "siliconflow": "https://api.siliconflow.cn/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "together": "https://api.together.xyz/v1",
    "xai": "https://api.x.ai/v1",
    "custom": None,
    **{server.name: f"http://127.0.0.1:{server.port}/v1" for server in LOCAL_SERVERS},
}
_ALSO = {
    "dashscope": "qwen",
    "tongyi": "qwen",
    "kimi": "moonshot",
    "glm": "zhipu",
    "bigmodel": "zhipu",
    "volcengine": "doubao",
    "ark": "doubao",
    "grok": "xai",
    "llamacpp": "llama.cpp",
    "openaicompatible": "custom",
    "compatible": "custom",
    "other": "custom",
    "local": "custom",
}


def provider_names() -> list[str]:
    """Every name that `known_provider` gives."""
    return list(_ADDRESSES)


def known_provider(name: str) -> str | None:
    """The usual spelling of a provider's name (`LM Studio` is `lmstudio`); None where it is none of ours."""
    plain = re.sub(r"[\s_-]", "", name).lower()
    plain = _ALSO.get(plain, plain)
    return plain if plain in _ADDRESSES else None


def usual_address(provider: str) -> str | None:
    """The base URL of a provider by its usual spelling."""
    return _ADDRESSES.get(provider)
