"""The record of changes, for `GET /chat/events`: numbered for each user in the order of commits.

What is told in a unit of work is written as its last act: the row of the user, which gives the numbers and so
orders the commits of one user, is locked for no longer than that.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from duihua.changes import repository
from duihua.db.session import Session, at_the_end

_TOLD = "changes"
# (kind, act, row) -> what is sent; None: looked up at the end.
_Told = dict[tuple[str, str, int], dict[str, Any] | None]


def note(session: Session, kind: str, act: str, user_id: int, ids: Sequence[int], *, purged: bool) -> None:
    """Write down, when this unit ends, that `act` was done to these rows."""
    # At the end of the unit, rows that are purged are no longer there to be named.
    shown = repository.shown(session, kind, ids) if purged and ids else {}
    note_known(session, user_id, {(kind, act, row_id): shown.get(row_id) for row_id in ids})


def note_known(session: Session, user_id: int, acts: _Told) -> None:
    """The same of acts with what is sent of them."""
    told: defaultdict[int, _Told] = session.info.setdefault(_TOLD, defaultdict(dict))
    told[user_id] |= acts
    at_the_end(session, _TOLD, _write)


def _write(session: Session) -> None:
    for user_id, told in sorted(session.info.pop(_TOLD).items()):
        shown = {kind: repository.shown(session, kind, ids) for kind, ids in _unnamed(told).items()}
        payloads = [
            msgspec.json.encode({"type": kind, "act": act} | (known or shown[kind][row_id])).decode()
            for (kind, act, row_id), known in told.items()
            if known or row_id in shown[kind]
        ]
        if payloads:
            repository.append(session, user_id, payloads)


def _unnamed(told: _Told) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for (kind, _, row_id), known in told.items():
        if known is None:
            found[kind].append(row_id)
    return found
