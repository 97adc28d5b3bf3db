"""The bus: says that something was committed. It wakes; the database is the truth.

With one process it is `LocalBus`; between processes the same notices travel over Redis (`redis_bus`). A
notice may be lost there, so nobody may depend on hearing one: readers also look for themselves now and
then. And none is believed: what another process says makes one look, and nothing else.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol


class Committed(NamedTuple):
    """Events of a generation are in the journal: `frames` are their wire bytes, numbered from `first_seq`.

    `owner` is the process whose run it is, or was: those who follow it elsewhere listen to that name.
    """

    generation_id: int
    first_seq: int
    frames: Sequence[bytes]
    ended: bool
    owner: str


class Withdrawn(NamedTuple):
    """What these conversations held is no longer wanted: replies still being generated for them can stop."""

    conversation_ids: Sequence[int]


class Requested(NamedTuple):
    """It is in the database that a run of `owner` shall stop."""

    owner: str


Notice = Committed | Withdrawn | Requested
Listener = Callable[[Notice], None]
# What another process committed, by the ids it named; none: look at everything.
Heard = Callable[[Sequence[int]], None]
State = Literal["local", "ok", "degraded"]

EVERYBODY = "asked"


def said_by(owner: str) -> str:
    """The topic of what runs of a process have said; its ids are generations."""
    return f"said:{owner}"


def asked_of(owner: str) -> str:
    """The topic of what is asked of the runs of a process; `EVERYBODY` is the one of all processes."""
    return f"asked:{owner}"


class Bus(Protocol):
    """Publish and subscribe."""

    def open(self) -> None:
        """Begin to tell other processes and to hear them, once this process's listeners are there."""
        ...

    async def close(self) -> None:
        """End that."""
        ...

    @property
    def state(self) -> State:
        """Whether other processes can hear, and be heard; `local` where nobody is told."""
        ...

    def publish(self, notice: Notice) -> None:
        """Tell every listener of the notice's kind; called after the commit, never before."""
        ...

    def subscribe(self, kind: type[Notice], listener: Listener) -> None:
        """Call `listener` for each notice of `kind` of this process, in the order of publication."""
        ...

    def listen(self, topic: str, heard: Heard) -> None:
        """Call `heard` when another process says something on `topic`, and when something may be missed."""
        ...

    def unlisten(self, topic: str) -> None:
        """End that."""
        ...


class LocalBus:
    """The bus of one process: a call."""

    def __init__(self) -> None:
        self._listeners: defaultdict[type, list[Listener]] = defaultdict(list)

    def open(self) -> None:
        """See `Bus.open`: there is nobody to tell."""

    async def close(self) -> None:
        """See `Bus.close`."""

    @property
    def state(self) -> State:
        """See `Bus.state`."""
        return "local"

    def publish(self, notice: Notice) -> None:
        """See `Bus.publish`."""
        for listener in self._listeners[type(notice)]:
            listener(notice)

    def subscribe(self, kind: type[Notice], listener: Listener) -> None:
        """See `Bus.subscribe`."""
        self._listeners[kind].append(listener)

    def listen(self, topic: str, heard: Heard) -> None:
        """See `Bus.listen`: there is nobody to hear."""

    def unlisten(self, topic: str) -> None:
        """See `Bus.unlisten`."""
