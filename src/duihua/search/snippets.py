"""A passage of a text with its matches marked: HTML in which nothing but `<mark>` is markup.

Matches are found in folded text, whose characters are not those that are shown: a ligature is two letters,
three marks and a letter are one. So texts are cut into graphemes, each is folded by itself, and a match marks
every grapheme that it touches.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from itertools import accumulate
from typing import Any

from duihua.core.text import fold
from duihua.search_index.query import Query

# Characters of folded text: a passage, and how much of it may come before its first match.
_PASSAGE = 160
_BEFORE = 40
# How many matches are compared for the best passage.
_COMPARED = 200
# Texts of these characters alone need no rules to be cut into graphemes: ASCII, CJK and its punctuation.
_PLAIN = re.compile("[\n\x20-\x7e‘-”…\u3000-\u3029\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uff01-\uff5e]*")
_CHUNK = re.compile(r"[^\n]{1,500}\n?|\n")
_ELLIPSIS = "…"
_SPACES = re.compile(r"\s+")
_MARKUP = re.compile("[&<>\"']")
# Graphemes folded, and where each begins in that text.
_Folded = tuple[str, Sequence[int]]


def highlight(text: str, query: Query) -> str:
    """The whole text as HTML, its matches marked."""
    graphemes = _graphemes(text)
    return _marked(graphemes, _folded(graphemes), query)


def passage(text: str, folded: str, query: Query) -> str:
    """The passage of `text` that says most of what was asked, as HTML; `folded` is the text folded."""
    start = max(0, _best(folded, query) - _BEFORE)
    begin, end = (_original(text, len(folded), place) for place in (start, start + _PASSAGE))
    before = _ELLIPSIS if begin > 0 else ""
    after = _ELLIPSIS if end < len(text) else ""
    marked = _marked(*_between(text, folded, begin, end), query)
    return before + _SPACES.sub(" ", marked).strip() + after


def _between(text: str, folded: str, begin: int, end: int) -> tuple[Sequence[str], _Folded]:
    """The graphemes that begin there, and these folded."""
    if len(text) == len(folded) and _PLAIN.fullmatch(text):
        # Each character became one.
        shown = text[begin:end]
        return shown, (folded[begin:end], range(len(shown) + 1))
    graphemes = _graphemes_between(text, begin, end)
    return graphemes, _folded(graphemes)


def _graphemes_between(text: str, begin: int, end: int) -> Sequence[str]:
    # One that begins before is found whole when its neighbours are looked at, too.
    lead = max(0, begin - 64)
    near = _graphemes(text[lead : end + 64])
    if isinstance(near, str):
        return near[begin - lead : end - lead]
    graphemes, at = [], lead
    for grapheme in near:
        if begin <= at < end and (at > lead or lead == 0):
            graphemes.append(grapheme)
        at += len(grapheme)
    return graphemes


def _best(folded: str, query: Query) -> int:
    """Where the passage with the most different terms begins, then the one with the most matches."""
    matches = sorted(
        (start, place) for place, term in enumerate(query.wanted) for start in _starts(term.places(folded))
    )
    best, found = (0, 0), 0
    for first, (start, _) in enumerate(matches):
        near = [place for at, place in matches[first : first + 50] if at < start + _PASSAGE - _BEFORE]
        if (len(set(near)), len(near)) > best:
            best, found = (len(set(near)), len(near)), start
    return found


def _starts(places: Iterator[tuple[int, int]]) -> Iterator[int]:
    return (start for _, (start, _) in zip(range(_COMPARED), places, strict=False))


def _original(text: str, length: int, place: int) -> int:
    """About where in `text` a place of its folded form is; `length` is that of the form."""
    if length == len(text):
        return place
    at = folded = 0
    for chunk in _CHUNK.findall(text):
        more = len(fold(chunk) or "")
        if folded + more > place:
            return at + min(len(chunk), (place - folded) * len(chunk) // more)
        at, folded = at + len(chunk), folded + more
    return at


def _marked(graphemes: Sequence[str], folded: _Folded, query: Query) -> str:
    text, begins = folded
    marked = sorted(place for term in query.wanted for place in term.places(text))
    if not isinstance(begins, range):
        marked = [(bisect_right(begins, start) - 1, bisect_right(begins, end - 1)) for start, end in marked]
    pieces, at, opened = [], 0, False
    for start, end in marked:
        if start > at or not opened:
            pieces += ["</mark>"] * opened + [_html(graphemes[at:start]), "<mark>"]
            opened = True
        if end > at:
            pieces.append(_html(graphemes[max(at, start) : end]))
            at = end
    return "".join(pieces) + "</mark>" * opened + _html(graphemes[at:])


def _html(graphemes: Sequence[str]) -> str:
    text = graphemes if isinstance(graphemes, str) else "".join(graphemes)
    return escape(text) if _MARKUP.search(text) else text


def _folded(graphemes: Sequence[str]) -> _Folded:
    text = graphemes if isinstance(graphemes, str) else "".join(graphemes)
    folded = fold(text) or ""
    if len(graphemes) == len(text) == len(folded):
        # No character becomes less than one: each became one.
        return folded, range(len(text) + 1)
    each = [fold(grapheme) or "" for grapheme in graphemes]
    return "".join(each), [0, *accumulate(map(len, each))]


def _graphemes(text: str) -> Sequence[str]:
    """The text itself, where each of its characters is one."""
    return text if _PLAIN.fullmatch(text) else _any_grapheme().findall(text)


@cache
def _any_grapheme() -> Any:
    """Loaded when it is needed: a server starts without it."""
    import regex

    return regex.compile(r"\X")
