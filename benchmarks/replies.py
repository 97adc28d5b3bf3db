"""What the upstream says: a function of the question, so that whoever checks an answer can recompute it."""

import hashlib
import random
from collections.abc import Iterable

# What models send and what breaks careless code: two- to four-byte characters, line ends that are none
# in SSE, quotes, markup, a lone space, a blank line, combining marks and a joined emoji.
_WORDS = (
    *("你", "好，", "世界", "。", "对话", "我们", "可以", "——", "龘", "か", "한"),
    *(" the", " quick", " brown", " fox", " is", " 3.14", ".", "\n\n", "\n", " ", "\t", "\r\n"),
    *("é", "e\u0301", "😀", "👩‍👩‍👧", "\u2028", "\u2029", "\u0085", "\ufeff", "𠮷"),
    *('"', "\\", "\\n", "<b>", "</script>", "&amp;", "data: ", "id: 7", ": ping", "```python\n", "[DONE]"),
)


def pieces(question: str, count: int) -> list[str]:
    """The `count` tokens with which the upstream answers `question`."""
    return random.Random(question).choices(_WORDS, k=count)


def cut(text: str) -> list[str]:
    """A given `text` in tokens of one to six characters, always the same."""
    size = random.Random(text).randint
    tokens, at = [], 0
    while at < len(text):
        length = size(1, 6)
        tokens.append(text[at : at + length])
        at += length
    return tokens


def digest(messages: Iterable[tuple[str, str]]) -> str:
    """A fingerprint of a prompt: its roles and texts, in order."""
    told = hashlib.sha256()
    for role, content in messages:
        told.update(f"{role}\0{len(content)}\0{content}\0".encode())
    return told.hexdigest()
