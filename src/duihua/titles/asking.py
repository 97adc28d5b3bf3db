"""A title by a model, where one answers in time."""

import re

import structlog

from duihua.connections.asking import ask_directly
from duihua.connections.catalogue import Answering
from duihua.core.errors import AppError
from duihua.providers.base import PromptMessage
from duihua.titles.extract import extracted

log = structlog.get_logger()
# Of a long text, this much tells what it is about.
_SHOWN_CHARS = 2000
# An answer so many times too long is no title.
_TALKATIVE = 4
# Thoughts may come before it.
_READ_CHARS = 8000
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_CHINESE = (
    "请为以下面这条消息开头的对话起一个标题：不超过 {most} 个字，使用消息本身的语言。只输出标题。"
    "\n\n<消息>\n{text}\n</消息>"
)
_ENGLISH = (
    "Write a title for the conversation that begins with the message below: at most {most} characters, "
    "in the language of the message. Answer with the title alone.\n\n<message>\n{text}\n</message>"
)
_THOUGHTS = re.compile(r"^.*</think(?:ing)?>", re.DOTALL)
_LABEL = re.compile(r"^\W{0,4}(?:title|标题|標題)\W{0,3}[:：]\s*", re.IGNORECASE)
_QUOTED = re.compile(r"""["'“‘「『《]([^"'“”‘’「」『』《》]+)["'”’」』》]""")


async def by_model(answering: Answering, text: str, max_length: int, seconds: float) -> str | None:
    """What the model calls a conversation that begins with `text`; None where it does not say so in time."""
    prompt = (_CHINESE if _HAN.search(text) else _ENGLISH).format(most=max_length, text=text[:_SHOWN_CHARS])
    try:
        answer = await ask_directly(
            answering, [PromptMessage("user", prompt)], seconds=seconds, most_chars=_READ_CHARS
        )
    except AppError as error:
        log.info("no title by the model", provider=answering.provider.name, error=error.code)
        return None
    return title_in(answer.text, max_length)


def title_in(answer: str, max_length: int) -> str | None:
    """The title in a model's answer, without what models put around it; None where there is none."""
    lines = _THOUGHTS.sub("", answer).strip().splitlines()
    line = _LABEL.sub("", lines[0]).rstrip("。. ") if lines else ""
    quoted = _QUOTED.fullmatch(line)
    line = quoted[1] if quoted else line
    if len(line) > _TALKATIVE * max_length:
        return None
    return extracted(line, max_length) or None
