"""The journal in the database: the events of generations, by generation and number."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError

from duihua.db.at_once import AtOnce, Insertion
from duihua.db.base import table_of
from duihua.db.session import Session
from duihua.db.telling import tell
from duihua.generation.ending import LostGeneration
from duihua.models import Generation, GenerationEvent
from duihua.vocabulary import MessageState

_EVENTS = table_of(GenerationEvent)
# Built once: these run with every tick.
_APPEND = insert(_EVENTS)
# An event of a run that is the owner's: of any other nothing is added, which the number of rows tells.
_APPEND_IF_OWNED = insert(_EVENTS).from_select(
    ["generation_id", "seq", "payload"],
    select(Generation.id, bindparam("number", type_=Integer), bindparam("told", type_=Text)).where(
        Generation.id == bindparam("run"),
        Generation.owner == bindparam("owner"),
        Generation.state == MessageState.STREAMING,
    ),
)
_SWEPT_AT_ONCE = 200
# The same for all of them at once, which on PostgreSQL is one way there and back.
_TOLD = (
    func.unnest(
        bindparam("runs", type_=ARRAY(BigInteger)),
        bindparam("seqs", type_=ARRAY(Integer)),
        bindparam("payloads", type_=ARRAY(Text)),
    )
    .table_valued("generation_id", "seq", "payload", name="told")
    .render_derived()
)
_APPEND_TO_OWNED = insert(_EVENTS).from_select(
    ["generation_id", "seq", "payload"],
    select(_TOLD.c.generation_id, _TOLD.c.seq, _TOLD.c.payload).where(
        select(func.count())
        .where(
            Generation.id == any_(bindparam("named", type_=ARRAY(BigInteger))),
            Generation.owner == bindparam("owner"),
            Generation.state == MessageState.STREAMING,
        )
        .scalar_subquery()
        == bindparam("number")
    ),
)


class News(NamedTuple):
    """Payloads of a run from event `first_seq` on; whether these are its last."""

    first_seq: int
    payloads: Sequence[str]
    ended: bool


def append_events(session: Session, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """Add (generation id, number, payload) rows to the journal.

    Raises:
        LostGeneration: an event of that number exists, so another process has taken over the run.
    """
    values = [
        {"generation_id": generation_id, "seq": seq, "payload": payload.decode()}
        for generation_id, seq, payload in rows
    ]
    try:
        tell(session.connection(), _APPEND, values)
    except IntegrityError as error:
        raise LostGeneration from error


def extend_again(session: Session, owner: str, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """As `extend`, where an earlier attempt with the same rows may have been committed after all."""
    found = session.execute(
        select(GenerationEvent.generation_id, GenerationEvent.seq, GenerationEvent.payload).where(
            GenerationEvent.generation_id.in_({generation_id for generation_id, _, _ in rows}),
            GenerationEvent.seq >= min(seq for _, seq, _ in rows),
        )
    )
    there = {(generation_id, seq, payload.encode()) for generation_id, seq, payload in found}
    missing = [row for row in rows if row not in there]
    if missing:
        extend(session, owner, missing)


def events_of(session: Session, generation_id: int) -> list[str]:
    """The payloads of a generation's journal, in order."""
    return list(
        session.scalars(
            select(GenerationEvent.payload)
            .where(GenerationEvent.generation_id == generation_id)
            .order_by(GenerationEvent.seq)
        )
    )


def _extension(dialect: str, owner: str, rows: Sequence[tuple[int, int, bytes]]) -> Insertion:
    if dialect == "sqlite":
        each = [
            {"run": generation_id, "number": seq, "told": payload.decode(), "owner": owner}
            for generation_id, seq, payload in rows
        ]
        return Insertion(_APPEND_IF_OWNED, each, len(rows), LostGeneration)
    runs = [generation_id for generation_id, _, _ in rows]
    named = list(set(runs))
    values = {
        "runs": runs,
        "seqs": [seq for _, seq, _ in rows],
        "payloads": [payload.decode() for _, _, payload in rows],
        "named": named,
        "number": len(named),
        "owner": owner,
    }
    return Insertion(_APPEND_TO_OWNED, [values], len(rows), LostGeneration)


# As `append_events`, for runs of `owner` that have not ended. The number alone is no fence for ever: of a run
# that ended long ago, the journal has been swept.
extend = AtOnce(_extension)


def news(session: Session, places: Mapping[int, int]) -> dict[int, News]:
    """What is in the journal beyond event n of each generation: `places` is {generation id: n}."""
    found: dict[int, list[str]] = {generation_id: [] for generation_id in places}
    rows = session.execute(
        select(GenerationEvent.generation_id, GenerationEvent.payload)
        .where(or_(*(and_(_EVENTS.c.generation_id == run, _EVENTS.c.seq > n) for run, n in places.items())))
        .order_by(GenerationEvent.generation_id, GenerationEvent.seq)
    )
    for generation_id, payload in rows:
        found[generation_id].append(payload)
    going_on = set(
        session.scalars(
            select(Generation.id).where(Generation.id.in_(places), Generation.state == MessageState.STREAMING)
        )
    )
    return {run: News(places[run] + 1, told, run not in going_on) for run, told in found.items()}


def sweep(session: Session, finished_before: datetime) -> int:
    """Delete the journal of some generations that finished before; how many rows went."""
    old = (
        select(Generation.id)
        .where(Generation.finished_at < finished_before)
        .where(select(GenerationEvent.seq).where(GenerationEvent.generation_id == Generation.id).exists())
        .limit(_SWEPT_AT_ONCE)
    )
    statement = delete(GenerationEvent).where(GenerationEvent.generation_id.in_(old))
    return session.connection().execute(statement).rowcount
