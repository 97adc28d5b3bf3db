"""Why a model would not answer if it were asked now: a code for machines, a sentence for people."""

from duihua.core.errors import AppError
from duihua.core.i18n import messages_of
from duihua.providers.base import Provider

# Not all that keeps a list away keeps an answer away: many servers have none to give (404, 501, a web page),
# and their model answers all the same.
_SENTENCES = {
    "provider_invalid_address": (
        "连接的接口地址或密钥不可用",
        "The base URL or the key of its connection cannot be used",
    ),
    "provider_unauthorized": ("API 密钥被拒绝", "The provider refuses the API key"),
    "provider_quota_exhausted": ("账户的额度已用尽", "The account has no credit left"),
    "provider_unreachable": ("接口地址连接不上", "Nobody can be reached at its address"),
    "provider_timeout": ("接口地址没有应答", "Its address does not answer"),
    "provider_redirected": ("接口地址要求跳转，已拒绝", "Its address redirects, which is refused"),
    "provider_paused": (
        "连续多次没有应答，暂停向它提问",
        "It did not answer several times in a row and is left alone for a while",
    ),
}
# A key may be good for questions alone, and not for the list: OpenAI's restricted ones.
_FORBIDDEN = 403

messages_of({f"unavailable_{code}": sentence for code, sentence in _SENTENCES.items()})


def why(provider: Provider, listing: AppError | None) -> str | None:
    """The code of what keeps `provider` from answering; `listing` is why it told no models, if it did not.

    The sentence is the message `unavailable_` and the code.
    """
    refusal = provider.refusal()
    if refusal is not None:
        return refusal.code
    if listing is None or listing.values.get("upstream_status") == _FORBIDDEN:
        return None
    return listing.code if listing.code in _SENTENCES else None
