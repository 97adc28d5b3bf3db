"""What can go wrong with a provider, named once for every dialect."""

from typing import Any

from duihua.core.errors import AppError
from duihua.core.i18n import messages_of


class ProviderError(AppError):
    """The provider answered with an error of its own; `reason` is its redacted text."""

    code = "provider_error"
    status = 502
    # Worth another try within a second or two, as long as nothing of the reply has arrived.
    is_transient = False

    def __init__(
        self, *, provider: str = "", reason: str = "", retry_after: int | None = None, **values: Any
    ) -> None:
        """`provider` is its name, `reason` short redacted text; `retry_after` is in seconds."""
        said = f" ({reason})" if reason else ""
        super().__init__(retry_after=retry_after, provider=provider, reason=reason, said=said, **values)


class ProviderUnauthorized(ProviderError):
    """The key is missing, wrong, or may not do this (upstream 401, 403)."""

    code = "provider_unauthorized"


class ProviderQuotaExhausted(ProviderError):
    """The account behind the key has no credit left: waiting does not help."""

    code = "provider_quota_exhausted"


class ProviderModelNotFound(ProviderError):
    """The provider is there and does not know this model."""

    code = "provider_model_not_found"
    status = 404


class ProviderNotFound(ProviderError):
    """There is a server, and nothing of this protocol at the address (upstream 404, 405)."""

    code = "provider_not_found"


class ProviderContextTooLong(ProviderError):
    """The conversation has more tokens than the model reads."""

    code = "provider_context_too_long"
    status = 413


class ProviderRateLimited(ProviderError):
    """Too many requests for the account (upstream 429)."""

    code = "provider_rate_limited"
    status = 429
    is_transient = True


class ProviderUnavailable(ProviderError):
    """The provider has a fault of its own (upstream 5xx)."""

    code = "provider_unavailable"
    status = 503
    is_transient = True


class ProviderUnreachable(ProviderError):
    """No connection: name, network, refusal or TLS."""

    code = "provider_unreachable"
    is_transient = True


class ProviderTimeout(ProviderError):
    """The provider stayed silent for longer than allowed."""

    code = "provider_timeout"
    status = 504


class ProviderPaused(ProviderError):
    """The provider has not answered for some questions in a row and is left alone; nothing was sent."""

    code = "provider_paused"
    status = 503


class ProviderRedirected(ProviderError):
    """The address answers with a redirect, which is never followed: the key would go with it."""

    code = "provider_redirected"


class ProviderDisconnected(ProviderError):
    """The reply broke off before the provider said that it was complete."""

    code = "provider_disconnected"


class ProviderEmpty(ProviderError):
    """The provider ended without a word of an answer."""

    code = "provider_empty"


class ProviderFiltered(ProviderError):
    """The provider's content filter withheld the whole answer."""

    code = "provider_filtered"


class ProviderInvalidResponse(ProviderError):
    """What came back is not of the protocol: a web page, broken JSON."""

    code = "provider_invalid_response"


class ProviderEventTooLarge(ProviderError):
    """One event (or one whole answer) of more bytes than any honest provider sends."""

    code = "provider_event_too_large"


class ProviderInvalidAddress(ProviderError):
    """The base URL or the key cannot be used as given."""

    code = "provider_invalid_address"
    status = 422


class ProviderInvalidSettings(ProviderError):
    """A generation setting has a value that cannot be carried out."""

    code = "provider_invalid_settings"
    status = 422


_KINDS: tuple[type[ProviderError], ...] = (ProviderError, *ProviderError.__subclasses__())
BY_CODE = {kind.code: kind for kind in _KINDS}

messages_of(
    {
        "provider_error": (
            "模型服务 {provider} 返回了错误{said}；消息和已生成的内容均已保留。请调整后重新生成",
            "{provider} answered with an error{said}; your message and what was generated are kept. "
            "Change what it names, then regenerate",
        ),
        "provider_unauthorized": (
            "模型服务 {provider} 拒绝了 API 密钥{said}；消息已保留。请检查密钥及其权限后重新生成",
            "{provider} refused the API key{said}; your message is kept. "
            "Check the key and its rights, then regenerate",
        ),
        "provider_quota_exhausted": (
            "{provider} 账户的额度已用尽{said}；消息已保留。请充值或更换连接后重新生成",
            "The {provider} account has no credit left{said}; "
            "your message is kept. Top it up or choose another model",
        ),
        "provider_model_not_found": (
            "{provider} 没有模型 {model}{said}；消息已保留。请另选模型后重新生成",
            "{provider} has no model {model}{said}; your message is kept. "
            "Choose another model, then regenerate",
        ),
        "provider_not_found": (
            "{provider} 的地址上没有模型接口{said}；消息已保留。请检查接口地址（通常以 /v1 结尾）",
            "There is no model API at the address of {provider}{said}; your message is kept. "
            "Check the base URL (most end in /v1)",
        ),
        "provider_context_too_long": (
            "对话长度超出了模型 {model} 的上下文{said}；消息已保留。请减少 context_messages 或另开对话",
            "The conversation is longer than {model} can read{said}; your message is kept. "
            "Lower context_messages or start a new conversation",
        ),
        "provider_rate_limited": (
            "{provider} 的请求过于频繁{said}；消息已保留。请稍后重新生成",
            "{provider} limits the rate of requests{said}; "
            "your message is kept. Wait a little, then regenerate",
        ),
        "provider_unavailable": (
            "{provider} 暂时不可用{said}；消息和已生成的内容均已保留。请稍后重新生成",
            "{provider} is unavailable for now{said}; your message and what was generated are kept. "
            "Regenerate in a while",
        ),
        "provider_unreachable": (
            "无法连接 {provider}{said}；消息已保留。请检查接口地址、网络以及服务是否已启动",
            "Cannot connect to {provider}{said}; your message is kept. "
            "Check the base URL, the network, and that it is running",
        ),
        "provider_timeout": (
            "{provider} 响应超时{said}；消息和已生成的内容均已保留。请重新生成",
            "{provider} took too long{said}; your message and what was generated are kept. "
            "Regenerate to try again",
        ),
        "provider_paused": (
            "{provider} 连续 {failures} 次没有应答{said}，暂停向它提问；"
            "消息已保留。请稍后重新生成，或另选模型",
            "{provider} did not answer {failures} times in a row{said} and is left alone for a while; "
            "your message is kept. Regenerate later, or choose another model",
        ),
        "provider_redirected": (
            "{provider} 的地址要求跳转{said}，为保护密钥已拒绝；消息已保留。请改用最终地址",
            "The address of {provider} redirects{said}, refused to protect the key; your message is kept. "
            "Configure the final address",
        ),
        "provider_disconnected": (
            "{provider} 中途断开，回复不完整{said}；已生成的内容已保留。请重新生成",
            "{provider} broke off, the reply is incomplete{said}; "
            "what was generated is kept. Regenerate to try again",
        ),
        "provider_empty": (
            "{provider} 没有给出任何回答{said}；消息已保留。请重新生成，或调大 max_tokens",
            "{provider} gave no answer{said}; your message is kept. Regenerate, or raise max_tokens",
        ),
        "provider_filtered": (
            "{provider} 的内容过滤拦截了回答{said}；消息已保留。请修改提问后重试",
            "The content filter of {provider} withheld the answer{said}; "
            "your message is kept. Rephrase it and try again",
        ),
        "provider_invalid_response": (
            "{provider} 的响应无法识别{said}；消息和已生成的内容均已保留。请检查接口地址",
            "The answer of {provider} is not a model's{said}; your message and what was generated are kept. "
            "Check the base URL",
        ),
        "provider_event_too_large": (
            "{provider} 发送的单个数据超过 {limit} 字节的上限；此前的内容已保留。请重新生成",
            "{provider} sent one event of more than {limit} bytes; "
            "what came before is kept. Regenerate to try again",
        ),
        "provider_invalid_address": (
            "连接 {provider} 的配置不可用{said}；未发送任何内容。请更正接口地址或密钥",
            "The connection {provider} cannot be used{said}; nothing was sent. Correct its base URL or key",
        ),
        "provider_invalid_settings": (
            "生成设置有误{said}；消息已保留。请更正后重新生成",
            "A generation setting cannot be carried out{said}; "
            "your message is kept. Correct it, then regenerate",
        ),
    }
)
