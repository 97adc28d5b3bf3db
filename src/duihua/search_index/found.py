"""What is looked for, and what was found."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from sqlalchemy import ColumnElement, Select

from duihua.search_index.query import Query
from duihua.search_index.repository import Documents

# Of more hits it is only said that they are more.
COUNTED = 10_000
# Which of several words says more, shows in fewer.
RARE = 1000
# So many of the newest hits are ranked: a common word has hundreds of thousands, and costs the same.
NEWEST = 300


class Wanted(NamedTuple):
    """Which documents: where `conditions` hold; on SQLite, with all facets `facts`, none of `without`."""

    kind: Documents
    query: Query
    facts: Sequence[str] = ()
    conditions: Sequence[ColumnElement[bool]] = ()
    without: Sequence[str] = ()


class Candidates(NamedTuple):
    """Hits, column by column: their folded texts and titles, and what grows with time."""

    ids: Sequence[int]
    texts: Sequence[str]
    titles: Sequence[str]
    moments: Sequence[int]

    @classmethod
    def of_conversations(cls, ids: Sequence[int], texts: Sequence[str]) -> Self:
        """The title is the first line; a description has more room, and says less."""
        return cls(ids, texts, [text.partition("\n")[0] for text in texts], ids)


class Found(NamedTuple):
    """What a statement finds, newest (largest id) first.

    Attributes:
        make: Gives that statement; most searches are done without.
        total: How many; at most one beyond `COUNTED`.
        newest: The first `NEWEST` of the ids.
        texts: The documents of these, where they came with them.
    """

    make: Callable[[], Select[int]]
    total: int
    newest: Sequence[int]
    texts: Candidates | None = None

    @property
    def statement(self) -> Select[int]:
        """All ids, newest first."""
        return self.make()
