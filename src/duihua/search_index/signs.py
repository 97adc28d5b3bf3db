"""What PostgreSQL finds a text by: see `models.search.held`, which has the same of the texts."""

import re
from collections.abc import Sequence
from operator import add

from duihua.core.text import LATIN

_NO_LATIN = re.compile(f"[^{LATIN}]+")
_ASCII = frozenset(" 0123456789abcdefghijklmnopqrstuvwxyz")
# More signs of one literal hardly exclude a text that the first ones let through.
_MOST = 8


def of_literal(literal: str, *, begins_word: bool) -> Sequence[str]:
    """What a text has that has this in it."""
    latin = _NO_LATIN.sub(" ", literal)
    if begins_word:
        latin = f" {latin}"
    pairs = map(add, latin, latin[1:])
    # Two spaces of the literal are one of the text; and one alone excludes nothing.
    found = sorted({sign for sign in literal if sign not in _ASCII} | set(pairs))
    return spread(found, _MOST)


def of_owner(user_id: int) -> str:
    """What every text of this user has."""
    return f"user{user_id}"


def spread(implied: Sequence[str], most: int) -> Sequence[str]:
    """Of these so few, from one end to the other."""
    many = len(implied)
    return implied if many <= most else [implied[at * (many - 1) // (most - 1)] for at in range(most)]
