"""What is told: the acts, and by how much they change counts."""

from enum import StrEnum
from typing import NamedTuple


class Act(StrEnum):
    """What was done."""

    CREATED = "created"
    CHANGED = "changed"
    # Hidden and shown again; the rows stay.
    DELETED = "deleted"
    RESTORED = "restored"
    # About to be removed for ever; the rows are still there.
    PURGED = "purged"


class Growth(NamedTuple):
    """By how much the counts of a message have changed."""

    tokens: int
    characters: int
