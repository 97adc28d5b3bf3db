"""What PostgreSQL finds a text by: see `models.search.held`, which has the same of the texts."""

import re
from collections.abc import Sequence
from operator import add

from duihua.core.text import LATIN
from duihua.models.search import SHELVES

_NO_LATIN = re.compile(f"[^{LATIN}]+")
_ASCII = frozenset(" 0123456789abcdefghijklmnopqrstuvwxyz")
# More signs of one literal hardly exclude a text that the first ones let through.
_MOST = 8


def of_literal(literal: str, user_id: int, *, begins_word: bool) -> list[str]:
    """What a text of this user has that has this in it."""
    shelf, latin = shelf_of(user_id), _NO_LATIN.sub(" ", literal)
    if begins_word:
        latin = f" {latin}"
    pairs = map(add, latin, latin[1:])
    # Two spaces of the literal are one of the text; and one alone excludes nothing.
    found = sorted({sign for sign in literal if sign not in _ASCII} | set(pairs))
    return [f"{shelf}{sign}" for sign in spread(found, _MOST)]


def of_owner(user_id: int) -> str:
    """What every text of this user has."""
    return f"user{user_id}"


def shelf_of(user_id: int) -> str:
    """Where what this user's texts are found by is kept, with that of some others."""
    return f"{user_id % SHELVES:x}"


def spread(implied: Sequence[str], most: int) -> Sequence[str]:
    """Of these so few, from one end to the other."""
    many = len(implied)
    return implied if many <= most else [implied[at * (many - 1) // (most - 1)] for at in range(most)]
