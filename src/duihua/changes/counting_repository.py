"""The tallies in the database: each statement adds to them what it finds in the rows themselves."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Insert,
    Select,
    SQLColumnExpression,
    bindparam,
    case,
    cast,
    delete,
    extract,
    func,
    literal_column,
    select,
    true,
    union_all,
    update,
)

from duihua.core.clock import day_of
from duihua.db.base import table_of
from duihua.db.rows import locked
from duihua.db.session import Session
from duihua.db.telling import tell
from duihua.models import Conversation, Generation, Message, Tally, UsageTally, User
from duihua.vocabulary import ConversationStatus, Role, RowStatus, Span

_AT_ONCE = 1000
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_TWO = [bindparam(name, type_=BigInteger) for name in ("one", "other")]
_COUNTS = ("number", "tokens", "characters")
_COLUMNS = ("user_id", "span", "start", "group_id", "kind", "model_id", *_COUNTS)
# From the beginning of the year 1 to that of 1970.
_SECONDS_BEFORE_1970 = 62_135_596_800
# Constants are no parameters here: PostgreSQL would not know an expression again in GROUP BY.
_QUARTER, _TWELVE, _ONE = (literal_column(number, BigInteger) for number in ("900", "12", "1"))
_SPANS = union_all(*(select(literal_column(f"'{span}'").label("span")) for span in Span)).subquery("spans")
_HOME = case((Conversation.status == ConversationStatus.DELETED, None), else_=Conversation.group_id)

_Which = Literal["question", "came", "went", "grown", "leaving", "joining", "all"]


def add_messages(session: Session, ids: Sequence[int]) -> None:
    """Count these, which are shown, where their conversation is counted."""
    if 1 <= len(ids) <= 2:
        # A question and its reply, for which the first token waits: not in a list, which is made each time.
        statement = _statement(session.get_bind().dialect.name, "question")
        tell(session.connection(), statement, [{"one": ids[0], "other": ids[-1]}])
    else:
        _run(session, "came", ids)


def subtract_messages(session: Session, ids: Sequence[int]) -> None:
    """Count these no longer: they were shown until now, where their conversation is counted."""
    _run(session, "went", ids)
    if ids:
        session.connection().execute(_FORGET_EMPTY)


def grow(session: Session, message_id: int, tokens: int, characters: int) -> None:
    """Add to what this message counts for, if it does."""
    place = {"ids": [message_id], "tokens": tokens, "characters": characters}
    session.connection().execute(_statement(session.get_bind().dialect.name, "grown"), place)


def follow(session: Session, ids: Sequence[int]) -> None:
    """Count these conversations, with all their messages, where they are now."""
    for some in _portions(ids):
        rows = session.connection().execute(_MOVED, {"ids": some}).all()
        moved, left = [row.id for row in rows], [row.id for row in rows if row.counted_in is not None]
        _run(session, "leaving", left)
        if moved:
            session.connection().execute(_SETTLE, {"ids": moved})
        _run(session, "joining", moved)
        if left:
            session.connection().execute(_FORGET_EMPTY)


def days_of_runs(session: Session, ids: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """For users: the first and the last day of their runs in some of these conversations."""
    for some in _portions(ids):
        for user_id, *moments in session.connection().execute(_RUNS, {"ids": some}):
            first, last = map(day_of, moments)
            yield user_id, first, last


def forget_usage(session: Session, user_id: int, first: int, last: int) -> None:
    """What models did between these days is no longer what was counted."""
    between = UsageTally.day.between(first, last)
    statement = delete(UsageTally).where(UsageTally.user_id == user_id, between)
    session.execute(statement.execution_options(synchronize_session=False))


def differences(session: Session) -> tuple[int, int]:
    """How many tallies there are, and how many are not, or not there, as a count of all rows has them."""
    stored = set(map(tuple, session.connection().execute(select(table_of(Tally)))))
    rows = session.connection().execute(_whole(session.get_bind().dialect.name, _ONE, _COUNTED))
    # PostgreSQL adds whole numbers up to decimal ones.
    counted = {(*row[: -len(_COUNTS)], *map(int, row[-len(_COUNTS) :])) for row in rows}
    wrong = {row[: -len(_COUNTS)] for row in stored ^ counted}
    misplaced = select(func.count()).where(Conversation.counted_in.is_distinct_from(_HOME))
    return len(stored), len(wrong) + (session.scalar(misplaced) or 0)


def rebuild(session: Session) -> None:
    """Count everything anew; nobody counts meanwhile."""
    session.scalars(locked(select(User).order_by(User.id))).all()
    session.execute(delete(Tally).execution_options(synchronize_session=False))
    session.execute(
        update(Conversation).values(counted_in=_HOME).execution_options(synchronize_session=False)
    )
    session.connection().execute(_statement(session.get_bind().dialect.name, "all"))


def _run(session: Session, which: _Which, ids: Sequence[int]) -> None:
    statement = _statement(session.get_bind().dialect.name, which)
    for some in _portions(ids):
        session.connection().execute(statement, {"ids": some})


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


_RUNS = (
    select(Generation.user_id, func.min(Generation.created_at), func.max(Generation.created_at))
    .where(Generation.conversation_id.in_(_IDS))
    .group_by(Generation.user_id)
)
_COUNTED = (func.count(), func.sum(Message.token_count), func.sum(Message.character_count))
_FORGET_EMPTY = delete(table_of(Tally)).where(Tally.number == literal_column("0"))
_MOVED = select(Conversation.id, Conversation.counted_in).where(
    Conversation.id.in_(_IDS), Conversation.counted_in.is_distinct_from(_HOME)
)
_SETTLE = update(table_of(Conversation)).where(Conversation.id.in_(_IDS)).values(counted_in=_HOME)


# Built once: the first token waits for it.
@cache
def _statement(dialect: str, which: _Which) -> Insert:
    active = Message.status == RowStatus.ACTIVE
    if which == "grown":
        growth = [bindparam(name, type_=BigInteger) for name in _COUNTS[1:]]
        counts = (literal_column("0", BigInteger), *map(func.sum, growth))
        return _upsert(dialect, _messages(dialect, counts, active, Message.id.in_(_IDS)))
    sign = literal_column("-1" if which in {"went", "leaving"} else "1", BigInteger)
    counts = tuple(sign * count for count in _COUNTED)
    if which in {"came", "went"}:
        return _upsert(dialect, _messages(dialect, counts, Message.id.in_(_IDS)))
    if which == "question":
        return _upsert(dialect, _messages(dialect, counts, Message.id.in_(_TWO)))
    chosen = () if which == "all" else (Conversation.id.in_(_IDS),)
    return _upsert(dialect, _whole(dialect, sign, counts, *chosen))


def _whole(
    dialect: str, sign: ColumnElement[int], counts: Sequence[ColumnElement[Any]], *chosen: ColumnElement[bool]
) -> Select[Any]:
    shown = _messages(dialect, counts, Message.status == RowStatus.ACTIVE, *chosen)
    both = union_all(shown, _conversations(dialect, sign, *chosen)).subquery("counted")
    # The condition tells SQLite that ON CONFLICT is none of the join's.
    return select(both).where(true())


def _upsert(dialect: str, rows: Select[Any]) -> Insert:
    # Imported here: the one that is not used costs a twentieth of the start.
    build = import_module(f"sqlalchemy.dialects.{dialect}").insert
    statement: Any = build(table_of(Tally)).from_select(_COLUMNS, rows)
    key = [column.name for column in table_of(Tally).primary_key]
    sums = {name: table_of(Tally).c[name] + statement.excluded[name] for name in _COUNTS}
    upsert: Insert = statement.on_conflict_do_update(index_elements=key, set_=sums)
    return upsert


def _messages(dialect: str, counts: Sequence[ColumnElement[Any]], *which: ColumnElement[bool]) -> Select[Any]:
    by_assistant: ColumnElement[str] = literal_column(f"'{Role.ASSISTANT}'")
    model = case((Message.role == by_assistant, func.coalesce(Message.model_id, literal_column("''"))))
    key = (
        Message.user_id,
        _SPANS.c.span,
        _start(dialect, Message.created_at).label("start"),
        Conversation.counted_in.label("group_id"),
        Message.role.label("kind"),
        func.coalesce(model, literal_column("''")).label("model_id"),
    )
    return (
        select(*key, *(count.label(name) for name, count in zip(_COUNTS, counts, strict=True)))
        .select_from(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(_SPANS, true())
        .where(Conversation.counted_in.is_not(None), *which)
        .group_by(*(literal_column(str(place)) for place in range(1, len(key) + 1)))
    )


def _conversations(dialect: str, sign: ColumnElement[int], *which: ColumnElement[bool]) -> Select[Any]:
    nothing = literal_column("0", BigInteger)
    counted: Select[Any] = (
        select(
            Conversation.user_id,
            _SPANS.c.span,
            _start(dialect, Conversation.created_at),
            Conversation.counted_in,
            literal_column("'conversation'"),
            literal_column("''"),
            sign * func.count(),
            nothing,
            nothing,
        )
        .select_from(Conversation)
        .join(_SPANS, true())
        .where(Conversation.counted_in.is_not(None), *which)
        .group_by(*(literal_column(str(place)) for place in range(1, 5)))
    )
    return counted


def _start(dialect: str, moment: SQLColumnExpression[Any]) -> ColumnElement[int]:
    """How many spans lie between the beginning of the year 1 and this moment, in UTC."""
    if dialect == "sqlite":
        # Without the fraction of a second, which strftime would round.
        text = func.substr(moment, literal_column("1"), literal_column("19"))
        seconds, year, month = (
            func.strftime(literal_column(f"'{part}'"), text) for part in ("%s", "%Y", "%m")
        )
    else:
        utc = func.timezone(literal_column("'UTC'"), moment)
        seconds, year, month = (func.floor(extract(part, utc)) for part in ("epoch", "year", "month"))
    quarter = (cast(seconds, BigInteger) + literal_column(str(_SECONDS_BEFORE_1970), BigInteger)) // _QUARTER
    months = (cast(year, BigInteger) - _ONE) * _TWELVE + cast(month, BigInteger) - _ONE
    return case((_SPANS.c.span == literal_column(f"'{Span.QUARTER}'"), quarter), else_=months)
