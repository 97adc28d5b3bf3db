"""Which hits come first: the measure of BM25, with what a conversation is called counted too."""

import math
from collections.abc import Mapping

from duihua.search_index.found import Candidates
from duihua.search_index.query import Query, Term

# The usual constants of BM25 (Robertson and Zaragoza 2009, §3.1).
_K1 = 1.2
_B = 0.75
_TITLE = 2.0


def ranked(candidates: Candidates, query: Query, rarity: Mapping[Term, float]) -> list[int]:
    """The ids, best first; those that score the same to one place, newest first."""
    ids, texts, titles, moments = candidates
    if not ids:
        return []
    lengths = list(map(len, texts))
    average = sum(lengths) / len(lengths) or 1.0
    norms = [_K1 * (1 - _B + _B * length / average) for length in lengths]
    # Term by term, and not hit by hit: of hundreds of hits, calls are most of what ranking takes.
    scores = [0.0] * len(ids)
    for term in query.wanted:
        weight, held = rarity[term], zip(scores, term.counts(texts), norms, term.counts(titles), strict=True)
        scores = [
            score + weight * (count * (_K1 + 1) / (count + norm) + (_TITLE if in_title else 0.0))
            for score, count, norm, in_title in held
        ]
    # Not `round`, which takes several times as long to be exact where a decimal has no binary form.
    tenths = [int(score * 10 + 0.5) for score in scores]
    places = zip(tenths, moments, ids, strict=True)
    return [row_id for _, _, row_id in sorted(places, reverse=True)]


def rarity_of(hits: int, most: int) -> float:
    """The weight of a term that so many texts have; `most` is where counting ended."""
    return math.log(1 + (most + 1) / (hits + 0.5))
