"""The tallies that statistics are read from, kept with every act.

What was told in a unit of work is counted as its last act, after the record of changes: that has locked the
row of the user, so nobody else changes a tally of theirs meanwhile, and every statement sees what was
committed before. A conversation says itself where it is counted (`counted_in`): whatever happens to it, its
tallies follow where that differs from its group and status.
"""

from collections import defaultdict
from collections.abc import Sequence

from duihua.changes import counting_repository as repository
from duihua.changes.acts import Act, Growth
from duihua.db.session import Session, at_the_end

_TOLD = "tallies"


class _Told:
    """What is to be counted at the end of one unit of work."""

    def __init__(self) -> None:
        self.conversations: set[int] = set()
        self.new_conversations: set[int] = set()
        # By conversation: the messages that came, and those that went.
        self.came: defaultdict[int, set[int]] = defaultdict(set)
        self.went: defaultdict[int, set[int]] = defaultdict(set)
        self.grown: list[tuple[int, Growth]] = []
        # By user: between which two days runs were purged.
        self.purged: dict[int, tuple[int, int]] = {}


def messages(
    session: Session, act: Act, ids: Sequence[int], conversation_id: int, growth: Growth | None
) -> None:
    """Something was done to these: they came, they went, or the counts of one grew."""
    assert (act is Act.CHANGED) == (growth is not None), "what has changed must say by how much"
    told = _told(session)
    if act in {Act.CREATED, Act.RESTORED}:
        told.came[conversation_id].update(ids)
    elif act is Act.DELETED:
        told.went[conversation_id].update(ids)
    elif growth is not None and any(growth):
        told.grown += [(row_id, growth) for row_id in ids]
    # What is purged had been deleted.


def conversations(session: Session, act: Act, ids: Sequence[int]) -> None:
    """Something was done to these, that may have changed where they count."""
    told = _told(session)
    told.conversations.update(ids)
    if act is Act.CREATED:
        told.new_conversations.update(ids)
    elif act is Act.PURGED:
        for user_id, first, last in repository.days_of_runs(session, ids):
            known = told.purged.get(user_id, (first, last))
            told.purged[user_id] = min(first, known[0]), max(last, known[1])


def differences(session: Session) -> tuple[int, int]:
    """How many tallies there are, and how many are wrong or missing."""
    return repository.differences(session)


def rebuild(session: Session) -> None:
    """Count everything anew."""
    repository.rebuild(session)


def _told(session: Session) -> _Told:
    at_the_end(session, _TOLD, _count)
    found: _Told = session.info.setdefault(_TOLD, _Told())
    return found


def _count(session: Session) -> None:
    told: _Told = session.info.pop(_TOLD)
    # New conversations are counted whole.
    came = {row_id for chat, ids in told.came.items() if chat not in told.new_conversations for row_id in ids}
    went = {row_id for chat, ids in told.went.items() if chat not in told.new_conversations for row_id in ids}
    repository.add_messages(session, sorted(came - went))
    repository.subtract_messages(session, sorted(went - came))
    for message_id, growth in told.grown:
        repository.grow(session, message_id, *growth)
    repository.follow(session, sorted(told.conversations))
    for user_id, (first, last) in told.purged.items():
        repository.forget_usage(session, user_id, first, last)
