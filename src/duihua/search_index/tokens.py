r"""What a text is found by.

The text is folded (`core.text.fold`) and cut into parts: words of Latin letters and digits, words of other
scripts, and single characters of any other kind. A Latin word gives every three and every four neighbours,
its first one and two characters, and itself; another word its characters and its bigrams; a single character
itself. Which tokens a text has depends on each part alone, so that what a keyword implies is in every text
that contains it.

The classes are fixed ranges and not Unicode's properties: another Python must find what this one has indexed.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from operator import add
from typing import NamedTuple

# Kept beside the index: raise it with any change that gives a text other tokens, and the index is made anew.
TOKENS_VERSION = 3
# With the marks that combine with them.
LATIN = "0-9a-zß-öø-\u036f\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab6f"
# All the rest but punctuation, symbols, emoji and private use.
_LETTERS = (
    "\u0370-\u037d\u037f-\u060b\u060d-\u061a\u061c-\u061e\u0620-\u06d3\u06d5-\u0963\u0966-\u1cff"
    "\u1dc0-\u1dff\u1f00-\u1fff\u2c00-\u2c5f\u2c80-\u2dff\u2e80-\u2fff\u3005-\u3007\u3021-\u302f"
    "\u3031-\u303c\u3041-\u309a\u309d-\u30fa\u30fc-\ua721\ua800-\uab2f\uab70-\ud7ff\uf900-\ufdff"
    "\ufe70-\ufefc\U00010000-\U0001efff\U00020000-\U000dffff"
)
_PARTS = re.compile(rf"([{LATIN}]+)|([{_LETTERS}]+)|(\S)")
# Before what is no part of a text. It makes FTS5 take ASCII punctuation for a word, too.
_MARK = "\ue000"
# A Latin word of fewer characters than this, alone, is looked for at the beginning of words.
_GRAM = 3
# What is longer implies these: their lists are shorter, and leave fewer texts to be looked into.
_LONG_GRAM = 4
# Longer ones are hardly words, and each is another token.
_LONGEST_WORD = 16
_NOT_ASCII = re.compile("[^0-9a-z]+")


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
    for latin, letters, symbol in _PARTS.findall(text):
        if letters:
            found.update(letters)
            found.update(map(add, letters, letters[1:]))
        elif latin:
            found.update(beginnings(latin))
            found.update(grams(latin, _GRAM))
            found.update(grams(latin, _LONG_GRAM))
            found.update(itself(latin))
        else:
            found.add(of_symbol(symbol))
    return found


def beginnings(latin: str) -> tuple[str, ...]:
    """The first character of a Latin word, and the first two."""
    return (latin[0], latin[:2])


def grams(latin: str, length: int) -> list[str]:
    """Every `length` neighbours of a Latin word."""
    return [latin[at : at + length] for at in range(len(latin) - length + 1)]


def implied(latin: str) -> list[str]:
    """The fewest tokens that tell a Latin word of three characters or more, wherever it is in another."""
    return grams(latin, min(len(latin), _LONG_GRAM))


def itself(latin: str) -> tuple[str, ...]:
    """The token of a whole Latin word; none of what is too long, or short enough to be one of the others."""
    return (latin,) if _LONG_GRAM < len(latin) <= _LONGEST_WORD else ()


def of_symbol(symbol: str) -> str:
    """The token of a character that is in no word."""
    return symbol if symbol > "\x7f" else f"{_MARK}{ord(symbol):02x}"


def facet(name: str, value: object) -> str:
    """A token of a fact about the text, which no text can have: `facet("user", 1)`."""
    plain = str(value)
    if not (plain.isascii() and plain.isalnum()):
        plain = blake2b(plain.encode(), digest_size=12).hexdigest()
    return f"{_MARK}{name}{plain}"


def signs(literal: str, *, begins_word: bool) -> set[str]:
    """What PostgreSQL finds a text by that has this in it: see `models.search.held`.

    Every character that is no ASCII letter or digit, and every two neighbours of the rest.
    """
    latin = _NOT_ASCII.sub(" ", literal)
    if begins_word and latin[0] != " ":
        latin = f" {latin}"
    return {sign for sign in literal if sign != " " and _NOT_ASCII.match(sign)} | set(
        map(add, latin, latin[1:])
    )
