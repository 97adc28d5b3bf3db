"""A keyword as people write it: words, "phrases" and -excluded ones."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import msgspec

from duihua.core.errors import InvalidInput
from duihua.core.text import LATIN, fold
from duihua.search_index import tokens

_TERMS = re.compile(r'(-?)"([^"]+)"|(-(?=[^\s"-]))?(\S+)')


class Term(msgspec.Struct, frozen=True, dict=True):
    """One thing that must be in a text: `literal` (folded), and the tokens that this implies.

    Attributes:
        begins_word: One or two Latin letters or digits alone count at the beginning of a word only.
        is_proven: A text with these tokens has the literal; otherwise it may have.
    """

    literal: str
    tokens: tuple[str, ...]
    begins_word: bool = False
    is_proven: bool = False

    def count(self, text: str) -> int:
        """How often it is in a folded text."""
        return self.counts((text,))[0]

    def counts(self, texts: Iterable[str]) -> list[int]:
        """How often it is in each of these."""
        if self.begins_word:
            find = self._pattern.findall
            return [len(find(text)) for text in texts]
        literal = self.literal
        return [text.count(literal) for text in texts]

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it is in a folded text."""
        return (found.span() for found in self._pattern.finditer(text))

    @property
    def is_piece(self) -> bool:
        """Whether it is of Latin letters and digits alone, and so always inside one word."""
        return re.fullmatch(f"[{LATIN}]+", self.literal) is not None

    def words(self, text: str) -> list[str]:
        """The words of a folded text that a piece is in; but those that are no tokens."""
        return [word for found in self._around.findall(text) for word in tokens.whole(found)]

    @cached_property
    def _around(self) -> re.Pattern[str]:
        return re.compile(f"(?<![{LATIN}])[{LATIN}]*{self.literal}[{LATIN}]*")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        literal = re.escape(self.literal)
        # What is before it is looked at from its end: `re` finds what begins with a literal much faster.
        return re.compile(f"{literal}(?<![{LATIN}]{literal})" if self.begins_word else literal)


class Query(NamedTuple):
    """What must be in a text, and what must not."""

    wanted: tuple[Term, ...]
    unwanted: tuple[Term, ...]

    def matches(self, text: str) -> bool:
        """Whether a folded text is meant."""
        return all(term.count(text) for term in self.wanted) and not any(
            term.count(text) for term in self.unwanted
        )


def parse(keyword: str) -> Query:
    """What a keyword asks for.

    Raises:
        InvalidInput: it names nothing that could be found.
    """
    wanted: dict[Term, None] = {}
    unwanted: dict[Term, None] = {}
    for excluded, phrase, minus, word in _TERMS.findall(fold(keyword) or ""):
        if literal := (phrase or word).strip():
            (unwanted if excluded or minus else wanted)[_term(literal)] = None
    if not wanted:
        raise InvalidInput(field="query.keyword", reason="names nothing to look for")
    return Query(tuple(wanted), tuple(unwanted))


def _term(literal: str) -> Term:
    parts = list(tokens.parts(literal))
    if len(parts) == 1 and not re.search(r"\s", literal):
        (latin, letters, symbol) = parts[0]
        if symbol:
            return Term(literal, (tokens.of_symbol(symbol),), is_proven=True)
        if letters:
            return Term(literal, _of_letters(letters), is_proven=len(letters) <= 3)
        if len(latin) < 3:
            return Term(literal, (latin,), begins_word=True, is_proven=True)
        return Term(literal, tuple(tokens.trigrams(latin)), is_proven=len(latin) == 3)
    implied: dict[str, None] = {}
    for place, part in enumerate(parts):
        inside = 0 < place < len(parts) - 1
        implied |= dict.fromkeys(_of_part(part, is_first=place == 0, is_whole=inside))
    meeting = tokens.meetings(literal)
    # With what meets before a word, its beginning is there: its long list need not be read.
    known = set(map(tokens.beginning_of, meeting))
    return Term(
        literal, tuple(dict.fromkeys([*meeting, *(token for token in implied if token not in known)]))
    )


def _of_part(part: tokens.Parts, *, is_first: bool, is_whole: bool) -> tuple[str, ...]:
    """What a part of a longer literal implies: the first may go on to the left, the last to the right."""
    if part.letters:
        return _of_letters(part.letters)
    if part.symbol:
        return (tokens.of_symbol(part.symbol),)
    if len(part.latin) >= 3:
        return (is_whole and tokens.whole(part.latin)) or tuple(tokens.trigrams(part.latin))
    return () if is_first else (part.latin,)


def _of_letters(letters: str) -> tuple[str, ...]:
    return (letters,) if len(letters) <= 3 else tuple(tokens.trigrams(letters))
