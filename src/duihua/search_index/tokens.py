r"""What a text is found by.

The text is folded (`core.text.fold`) and cut into parts: words of Latin letters and digits, words of other
scripts, and single characters of any other kind. A Latin word gives itself, its trigrams and its first one
and two characters, and with the word after the next space what meets there; another word its characters,
bigrams and trigrams; a single character itself. Which tokens a text has depends only on what is beside each
other, so that what a keyword implies is in every text that contains it.

The classes are fixed ranges and not Unicode's properties: another Python must find what this one has indexed.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from operator import add
from typing import NamedTuple

from duihua.core.text import LATIN, pieces

# Kept beside the index: raise it with any change that gives a text other tokens, and the index is made anew.
TOKENS_VERSION = 4
# All the rest but punctuation, symbols, emoji and private use.
_LETTERS = (
    "\u0370-\u037d\u037f-\u060b\u060d-\u061a\u061c-\u061e\u0620-\u06d3\u06d5-\u0963\u0966-\u1cff"
    "\u1dc0-\u1dff\u1f00-\u1fff\u2c00-\u2c5f\u2c80-\u2dff\u2e80-\u2fff\u3005-\u3007\u3021-\u302f"
    "\u3031-\u303c\u3041-\u309a\u309d-\u30fa\u30fc-\ua721\ua800-\uab2f\uab70-\ud7ff\uf900-\ufdff"
    "\ufe70-\ufefc\U00010000-\U0001efff\U00020000-\U000dffff"
)
_PARTS = re.compile(rf"([{LATIN}]+)|([{_LETTERS}]+)|(\S)")
# Neither a word nor two that meet go on beyond one of these.
_BREAK = re.compile(rf"[^{LATIN}{_LETTERS} ]")
# Before what is no part of a text. It makes FTS5 take ASCII punctuation for a word, too.
_MARK = "\ue000"
# Longer ones are data rather than words, and each would be a token of one text alone.
_LONGEST = 32
# The last character of a word, and the first two of the next.
_MEETING = re.compile(rf"([{LATIN}]) (?=([{LATIN}]{{1,2}}))")
# A Latin word of fewer characters than this, alone, is looked for at the beginning of words.
_GRAM = 3


class Parts(NamedTuple):
    """One part of a text: exactly one of the three is not empty."""

    latin: str
    letters: str
    symbol: str


def parts(text: str) -> Iterator[Parts]:
    """The parts of a folded text, in order."""
    return (Parts(*found) for found in _PARTS.findall(text))


def tokens(text: str) -> set[str]:
    """The tokens of a folded text."""
    found: set[str] = set()
    for piece in pieces(text, _BREAK):
        _add_tokens(piece, found)
    return found


def _add_tokens(text: str, found: set[str]) -> None:
    for latin, letters, symbol in _PARTS.findall(text):
        if letters:
            found.update(letters)
            found.update(map(add, letters, letters[1:]))
            found.update(trigrams(letters))
        elif latin:
            found.update(beginnings(latin))
            found.update(trigrams(latin))
            found.update(whole(latin))
        else:
            found.add(of_symbol(symbol))
    found.update(f"{last}{_MARK}{first}" for last, first in _MEETING.findall(text))


def beginnings(latin: str) -> tuple[str, ...]:
    """The first character of a Latin word, and the first two."""
    return (latin[0], latin[:2])


def trigrams(word: str) -> list[str]:
    """Every three neighbours of a word."""
    return [word[at : at + _GRAM] for at in range(len(word) - _GRAM + 1)]


def whole(latin: str) -> tuple[str, ...]:
    """A Latin word itself, where no other token is the same."""
    return (latin,) if _GRAM < len(latin) <= _LONGEST else ()


def meetings(literal: str) -> list[str]:
    """What of a literal meets at spaces: its last word may go on to the right."""
    return [
        f"{found[1]}{_MARK}{found[2]}"
        for found in _MEETING.finditer(literal)
        if len(found[2]) == 2 or found.end(2) < len(literal)
    ]


def beginning_of(meeting: str) -> str:
    """The beginning of a word that a text with this meeting has among its tokens, too."""
    return meeting.partition(_MARK)[2]


def of_symbol(symbol: str) -> str:
    """The token of a character that is in no word."""
    return symbol if symbol > "\x7f" else f"{_MARK}{ord(symbol):02x}"


def facet(name: str, value: object) -> str:
    """A token of a fact about the text, which no text can have: `facet("user", 1)`."""
    plain = str(value)
    if not (plain.isascii() and plain.isalnum()):
        plain = blake2b(plain.encode(), digest_size=12).hexdigest()
    return f"{_MARK}{name}{plain}"
