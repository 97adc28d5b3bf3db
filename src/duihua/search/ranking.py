"""Which hits come first: the measure of BM25, with what a conversation is called counted too."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from duihua.search_index.query import Query, Term

# The usual constants of BM25 (Robertson and Zaragoza 2009, §3.1).
_K1 = 1.2
_B = 0.75
_TITLE = 2.0


class Candidate(NamedTuple):
    """A hit: its folded text, the folded title that it stands under, and a number that grows with time."""

    id: int
    text: str
    title: str
    moment: int


def ranked(candidates: Sequence[Candidate], query: Query, rarity: Mapping[Term, float]) -> list[int]:
    """The ids, best first; those that score the same to one place, newest first."""
    if not candidates:
        return []
    average = sum(len(candidate.text) for candidate in candidates) / len(candidates) or 1.0

    def order(candidate: Candidate) -> tuple[float, int, int]:
        score = sum(rarity[term] * _weight(term, candidate, average) for term in query.wanted)
        return -round(score, 1), -candidate.moment, -candidate.id

    return [candidate.id for candidate in sorted(candidates, key=order)]


def rarity_of(hits: int, most: int) -> float:
    """The weight of a term that so many texts have; `most` is where counting ended."""
    return math.log(1 + (most + 1) / (hits + 0.5))


def _weight(term: Term, candidate: Candidate, average: float) -> float:
    count = term.count(candidate.text)
    norm = 1 - _B + _B * len(candidate.text) / average
    in_title = _TITLE if term.count(candidate.title) else 0.0
    return count * (_K1 + 1) / (count + _K1 * norm) + in_title
