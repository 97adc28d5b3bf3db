"""The bus: says that something was committed. It wakes; the database is the truth.

With one process it is `LocalBus`; between processes the same notices travel over Redis. A notice may be
lost there, so nobody may depend on hearing one: readers also look for themselves now and then.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol


class Committed(NamedTuple):
    """Events of a generation are in the journal: `frames` are their wire bytes, numbered from `first_seq`."""

    generation_id: int
    first_seq: int
    frames: Sequence[bytes]
    ended: bool


class Withdrawn(NamedTuple):
    """What these conversations held is no longer wanted: replies still being generated for them can stop."""

    conversation_ids: Sequence[int]


Notice = Committed | Withdrawn
Listener = Callable[[Notice], None]


class Bus(Protocol):
    """Publish and subscribe."""

    def publish(self, notice: Notice) -> None:
        """Tell every listener of the notice's kind; called after the commit, never before."""
        ...

    def subscribe(self, kind: type[Notice], listener: Listener) -> None:
        """Call `listener` for each notice of `kind`, in the order of publication."""
        ...


class LocalBus:
    """The bus of one process: a call."""

    def __init__(self) -> None:
        self._listeners: defaultdict[type, list[Listener]] = defaultdict(list)

    def publish(self, notice: Notice) -> None:
        """See `Bus.publish`."""
        for listener in self._listeners[type(notice)]:
            listener(notice)

    def subscribe(self, kind: type[Notice], listener: Listener) -> None:
        """See `Bus.subscribe`."""
        self._listeners[kind].append(listener)
