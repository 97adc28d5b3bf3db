"""The offline model: answers without any AI, says so, and can be scripted for tests and benchmarks."""

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Annotated

import msgspec

from duihua.providers.base import Attachment, Delta, ModelInfo, ProviderRequest, Usage
from duihua.providers.errors import BY_CODE, ProviderDisconnected, ProviderInvalidSettings
from duihua.providers.text import one_line, storable

OFFLINE_MODEL = "offline"
TOKENS_PER_SECOND = 60.0
_REPEATED_LENGTH = 2000
# How many tokens go out before the other tasks of the process get their turn, at full speed.
_BURST = 32
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CJK = _HAN + "\u3000-\u30ff\uac00-\ud7af\uff00-\uffef"
_TOKEN = re.compile(rf"\s*(?:[{_CJK}]|[^\s{_CJK}]{{1,16}})|\s+")
_CHINESE = re.compile(f"[{_HAN}]")
_LATIN = re.compile("[A-Za-z]")

_CHINESE_ANSWER = """\
**这是离线模型：它没有连接任何 AI 模型，这段话由 Duihua 自己写成。**

你的消息已收到并保存（{count} 个字符）：

{quote}

这段回复和真正的回复一样逐字传输并保存。要得到真正的回答，请任选一种方式连接模型：

- 在网页的“设置 → 模型连接”中添加一个，立即可用
- 设置环境变量 `OPENAI_API_KEY`，其他兼容 OpenAI 的服务再设置 `OPENAI_BASE_URL`，然后重启服务
- 在本机启动 Ollama（端口 11434）、llama.cpp（8080）、LM Studio（1234）或 vLLM（8000），重启后自动发现
"""
_ENGLISH_ANSWER = """\
**This is the offline model: no AI model is connected to it, and Duihua wrote these words itself.**

Your message was received and stored ({count} characters):

{quote}

This reply is streamed and stored like a real one. To get real answers, connect a model in one of \
these ways:

- Add one in the web client under “Settings → Model connections”; it can be used at once
- Set `OPENAI_API_KEY` in the environment, for another OpenAI-compatible service `OPENAI_BASE_URL` as well, \
and restart the server
- Start Ollama (port 11434), llama.cpp (8080), LM Studio (1234) or vLLM (8000) on this machine; \
it is found after the restart
"""

_NonNegative = Annotated[int, msgspec.Meta(ge=0)]


class OfflineScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `settings["offline"]` may ask for.

    `text` replies exactly this, `tokens` that many numbered words; `rate` is in tokens per second, 0 as
    fast as possible; `reasoning` is thought first. `fail_after` and `hang_after` count the tokens of
    both; `error` is the code to fail with.
    """

    text: str | None = None
    tokens: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    rate: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = TOKENS_PER_SECOND
    reasoning: str = ""
    fail_after: _NonNegative | None = None
    error: str | None = None
    hang_after: _NonNegative | None = None


class OfflineProvider:
    """The provider that is always there: no network, no model, the same answer to the same question."""

    name = OFFLINE_MODEL

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[Sequence[Delta], None]:
        """See `Provider.stream`."""
        script = _script(request)
        stop = _stop(script)
        deltas = itertools.islice(_deltas(script, request), stop)
        pace = _Pace(script.rate)
        sent = 0
        while batch := list(itertools.islice(deltas, await pace.due())):
            yield batch
            sent += len(batch)
        if sent == stop:
            await _break_off(script)
        # About four bytes a token, as tokenizers have it for most languages.
        asked = sum(-(-len(message.content.encode("utf-8", "replace")) // 4) for message in request.messages)
        yield [Delta(finish_reason="stop", usage=Usage(asked, sent, asked + sent))]

    async def list_models(self) -> Sequence[ModelInfo]:
        """See `Provider.list_models`."""
        return [ModelInfo(OFFLINE_MODEL, OFFLINE_MODEL)]

    def refusal(self) -> None:
        """See `Provider.refusal`."""


def tokens_of(text: str) -> Iterator[str]:
    """Cut `text` into CJK characters and words, each with the space before it; joined they are `text`."""
    return (match[0] for match in _TOKEN.finditer(text))


class _Pace:
    """Lets tokens out at a rate; what a late wake-up missed comes with the next, as from a network."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._let_out = 0

    async def due(self) -> int:
        """Wait until at least one token is due, and give their number."""
        if not self._rate:
            await asyncio.sleep(0)
            return _BURST
        await asyncio.sleep(self._started + self._let_out / self._rate - self._loop.time())
        due = int((self._loop.time() - self._started) * self._rate) + 1 - self._let_out
        due = min(max(due, 1), _BURST)
        self._let_out += due
        return due


def _script(request: ProviderRequest) -> OfflineScript:
    wanted = request.settings.get("offline")
    if wanted is None:
        return OfflineScript()
    try:
        script = msgspec.convert(wanted, OfflineScript)
    except msgspec.ValidationError as mistake:
        raise ProviderInvalidSettings(
            provider=OFFLINE_MODEL, reason=one_line(f"offline: {mistake}")
        ) from None
    if script.error is not None and script.error not in BY_CODE:
        raise ProviderInvalidSettings(provider=OFFLINE_MODEL, reason="offline.error: no such error code")
    return script


def _stop(script: OfflineScript) -> int | None:
    """The number of tokens after which the reply breaks off, None if it does not."""
    fail_after = 0 if script.fail_after is None and script.error is not None else script.fail_after
    stops = [stop for stop in (fail_after, script.hang_after) if stop is not None]
    return min(stops, default=None)


async def _break_off(script: OfflineScript) -> None:
    if script.hang_after is not None and script.hang_after == _stop(script):
        await asyncio.get_running_loop().create_future()
    kind = BY_CODE[script.error] if script.error is not None else ProviderDisconnected
    raise kind(provider=OFFLINE_MODEL, reason="offline.fail_after", model=OFFLINE_MODEL)


def _deltas(script: OfflineScript, request: ProviderRequest) -> Iterator[Delta]:
    for token in tokens_of(storable(script.reasoning)):
        yield Delta(reasoning=token)
    for token in _words(script, request):
        yield Delta(text=token)


def _words(script: OfflineScript, request: ProviderRequest) -> Iterator[str]:
    if script.text is not None:
        text = storable(script.text)
    elif script.tokens is not None:
        words = (f" {number}" if number > 1 else "1" for number in range(1, script.tokens + 1))
        if not request.begun:
            return words
        text = "".join(words)
    else:
        text = _answer(request)
    # Asked to go on, it says the rest of what it would have said.
    return tokens_of(text.removeprefix(request.begun))


def _answer(request: ProviderRequest) -> str:
    messages = request.messages[:-2] if request.begun else request.messages
    question = next((each for each in reversed(messages) if each.role == "user"), None)
    asked = question.content if question else ""
    shown = storable(asked[:_REPEATED_LENGTH]) + ("…" if len(asked) > _REPEATED_LENGTH else "")
    is_english = not _CHINESE.search(shown) and _LATIN.search(shown)
    files = question.attachments if question else ()
    lines = shown.split("\n") + [_named(file, is_english=bool(is_english)) for file in files]
    quote = "\n".join(f"> {line}" for line in lines)
    return (_ENGLISH_ANSWER if is_english else _CHINESE_ANSWER).format(count=len(asked), quote=quote)


def _named(file: Attachment, *, is_english: bool) -> str:
    if file.text is None:
        return f"[picture] {file.name}" if is_english else f"【图片】{file.name}"
    count = len(file.text)
    if is_english:
        return f"[document] {file.name} ({count} characters" + (", cut)" if file.is_cut else ")")
    return f"【文档】{file.name}（{count} 个字符" + ("，已截断）" if file.is_cut else "）")
