r"""What a text is found by, the same for both databases.

The text is folded (`core.text.fold`) and cut into parts: words of Latin letters and digits, words of other
scripts, and single characters of any other kind. A Latin word gives its trigrams and its first one and two
characters; another word its characters and its bigrams; a single character itself. Which tokens a text has
depends on neighbouring characters only, so that what a keyword implies is in every text that contains it.

The classes are fixed ranges and not Unicode's properties: another Python must find what this one has indexed.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from operator import add
from typing import NamedTuple

# Kept beside the index: raise it with any change that gives a text other tokens, and the index is made anew.
TOKENS_VERSION = 2
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
_USER = f"{_MARK}user"
# A Latin word of fewer characters than this, alone, is looked for at the beginning of words.
_GRAM = 3
_IS_LATIN = re.compile(f"[{LATIN}]+")
# As numbers, beginnings of two characters start above all characters, longer tokens above these; facets that
# are not users go down from the last of the users.
_BEGINNINGS = 1 << 24
_GRAMS = 1 << 25
_USERS = 1 << 30
# Knuth's multiplicative hashing (The Art of Computer Programming 3, §6.4), by the golden ratio of 64 bits.
_SPREAD = 0x9E3779B97F4A7C15
_BITS_64 = (1 << 64) - 1


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
            found.update(trigrams(latin))
        else:
            found.add(of_symbol(symbol))
    return found


def beginnings(latin: str) -> tuple[str, ...]:
    """The first character of a Latin word, and the first two."""
    return (latin[0], latin[:2])


def trigrams(latin: str) -> list[str]:
    """Every three neighbours of a Latin word."""
    return [latin[at : at + _GRAM] for at in range(len(latin) - _GRAM + 1)]


def of_symbol(symbol: str) -> str:
    """The token of a character that is in no word."""
    return symbol if symbol > "\x7f" else f"{_MARK}{ord(symbol):02x}"


def facet(name: str, value: object) -> str:
    """A token of a fact about the text, which no text can have: `facet("user", 1)`."""
    plain = str(value)
    if not (plain.isascii() and plain.isalnum()):
        plain = blake2b(plain.encode(), digest_size=12).hexdigest()
    return f"{_MARK}{name}{plain}"


def packed(token: str) -> int:
    """A token in 32 bits.

    Characters, the beginnings of Latin words and users (up to 2³⁰) have numbers that no other token has;
    other facets, some that no other should have. Bigrams and trigrams share theirs with a few: the literal
    is to be looked for.
    """
    if token[0] == _MARK and len(token) > 1:
        if token.startswith(_USER):
            return -(int(token[len(_USER) :]) % _USERS)
        return -_USERS - (int.from_bytes(blake2b(token.encode(), digest_size=4).digest()) >> 2)
    if len(token) == 1:
        return ord(token)
    if len(token) == _GRAM - 1 and _IS_LATIN.fullmatch(token):
        return _BEGINNINGS + (_place(token[0]) << 12 | _place(token[1]))
    number = 0
    for character in token:
        number = number << 21 | ord(character)
    return _GRAMS + (number * _SPREAD & _BITS_64) % (2**31 - _GRAMS)


def _place(latin: str) -> int:
    """Its number among the letters of `LATIN`, less than 4096."""
    code = ord(latin)
    for first, place in ((0xAB30, 0xC00), (0xA722, 0xB20), (0x2C60, 0xB00), (0x1D00, 0x800)):
        if code >= first:
            return place + code - first
    return code
