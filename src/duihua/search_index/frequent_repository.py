"""What is known to be in more messages than are counted, on PostgreSQL, which takes long to count them.

That something was found so often stays true until a document is taken away from its user; new ones only add
to it. How many ever were taken away is in the database, in the transaction that does it, and is read in the
very statement that relies on it. So what is known here, by one process, is never wrong, whoever changes what.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, ScalarSelect, bindparam, select, update

from duihua.db.session import Session
from duihua.db.telling import tell
from duihua.models import User
from duihua.search_index.query import Query

# Who asks, and for what.
Question = tuple[int, Query]

_MOST = 10_000
_NOTE = (
    update(User)
    .where(User.id == bindparam("owner"))
    .values(documents_removed=User.documents_removed + bindparam("times"))
)


class Frequent:
    """Questions that have more answers than are counted, each with its user's removals at that time."""

    def __init__(self) -> None:
        self._known: OrderedDict[Question, int] = OrderedDict()

    def get(self, question: Question) -> int | None:
        """The removals that there had been when it was found to be frequent; None: it is not known to be."""
        return self._known.get(question)

    def learn(self, question: Question, removals: int | None) -> None:
        """It is frequent, as long as there are no more removals than so many; None: it is not."""
        self._known.pop(question, None)
        if removals is not None:
            self._known[question] = removals
        if len(self._known) > _MOST:
            self._known.popitem(last=False)


_OF_DATABASE: WeakKeyDictionary[Engine, Frequent] = WeakKeyDictionary()


def of(session: Session) -> Frequent:
    """What is known of this database."""
    return _OF_DATABASE.setdefault(session.connection().engine, Frequent())


def removals(user_id: ColumnElement[int]) -> ScalarSelect[int]:
    """How many documents were ever taken away from a user."""
    return select(User.documents_removed).where(User.id == user_id).scalar_subquery()


def note_removals(session: Session, user_ids: Iterable[int]) -> None:
    """A document of each was taken away, or replaced. By their ids, so that nobody waits in a circle."""
    rows = [{"owner": user, "times": times} for user, times in sorted(Counter(user_ids).items())]
    tell(session.connection(), _NOTE, rows)
