"""What PostgreSQL finds at first, of messages and of conversations, in one statement.

Each way there and back costs about as much as a lookup. The statement counts hits, takes the newest of them
with their texts, as ranking needs these, and counts how many messages have each of several words. Of what is
common the newest are found by a walk through the documents, as GIN knows no order.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    bindparam,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)

from duihua.db.base import table_of
from duihua.db.session import Session
from duihua.db.telling import prepared
from duihua.models import ConversationDocument
from duihua.models.search import in_partition_of, owned
from duihua.search_index import found as limits
from duihua.search_index import frequent_repository
from duihua.search_index import signs_repository as by_signs
from duihua.search_index.found import Candidates, Found, Wanted
from duihua.search_index.repository import MESSAGES, Documents

_TITLES = table_of(ConversationDocument).alias("titles")
_COUNTED: BindParameter[int] = bindparam("counted", type_=Integer)
_NEWEST: BindParameter[int] = bindparam("newest", type_=Integer)
_RARE: BindParameter[int] = bindparam("rare", type_=Integer)


class Shape(NamedTuple):
    """In what two of these statements differ, but for filters: all else of them is values.

    Attributes:
        is_ranked: Whether texts of the newest are wanted, and how many messages have each of several terms.
    """

    kinds: tuple[Documents, ...]
    forms: by_signs.Forms
    is_ranked: bool


class Survey(NamedTuple):
    """What was found of each kind, and in how many messages the signs of each term are (at most `RARE`)."""

    found: Sequence[Found]
    holders: Sequence[int]


def survey(session: Session, user_id: int, asked: Sequence[Wanted], *, is_ranked: bool) -> Survey:
    """The user's documents of each kind that are wanted; the query is the same for all."""
    by_signs.plan_for_signs(session)
    query = asked[0].query
    shape = Shape(tuple(wanted.kind for wanted in asked), by_signs.forms(query), is_ranked)
    columns = _believed(session, user_id, shape, asked)
    of_kind = [columns[at * 5 : at * 5 + 5] for at in range(len(asked))]
    return Survey(
        [_found(session, user_id, wanted, each) for wanted, each in zip(asked, of_kind, strict=True)],
        columns[5 * len(asked) :],
    )


def _believed(session: Session, user_id: int, shape: Shape, asked: Sequence[Wanted]) -> Sequence[Any]:
    """The columns of each kind and the holders, once what they were asked by is what they tell."""
    filters = {wanted.kind: wanted.conditions for wanted in asked if wanted.conditions}
    question = (user_id, asked[0].query)
    frequent = frequent_repository.of(session)
    alone, known = True, None if MESSAGES in filters else frequent.get(question)
    while True:
        values = _values(user_id, asked, is_alone=alone, are_frequent=known is not None)
        neighbours, removals, *columns = _told(session, shape, filters, values)
        if (neighbours == 1 or not alone) and known in {None, removals}:
            break
        alone, known = neighbours == 1, known if known == removals else None
    by_signs.settle(session, alone=alone)
    if MESSAGES in shape.kinds and MESSAGES not in filters:
        total = columns[5 * shape.kinds.index(MESSAGES)]
        frequent.learn(question, removals if total > limits.COUNTED else None)
    return columns


def _values(user_id: int, asked: Sequence[Wanted], *, is_alone: bool, are_frequent: bool) -> dict[str, Any]:
    """Messages that are known to be frequent are not counted: it is believed that there are enough."""
    told = by_signs.values(user_id, asked[0].query, is_alone=is_alone) | {
        "counted": limits.COUNTED,
        "newest": limits.NEWEST,
        "rare": limits.RARE,
    }
    for kind in (wanted.kind for wanted in asked):
        is_frequent = are_frequent and kind is MESSAGES
        told[f"{kind.terms}_enough"] = 0 if is_frequent else limits.COUNTED + 1
        told[f"{kind.terms}_believed"] = limits.COUNTED + 1 if is_frequent else 0
    return told


def _found(session: Session, user_id: int, wanted: Wanted, columns: Sequence[Any]) -> Found:
    total, ids, texts, titles, moments = columns
    way = by_signs.matching if total <= limits.COUNTED else by_signs.walking
    make = partial(way, session, user_id, wanted)
    newest = sorted(ids or (), reverse=True)
    if texts is None:
        return Found(make, total, newest)
    if wanted.kind is not MESSAGES:
        return Found(make, total, newest, Candidates.of_conversations(ids, texts))
    return Found(make, total, newest, Candidates(ids, texts, titles, moments))


def _told(
    session: Session,
    shape: Shape,
    filters: Mapping[Documents, Sequence[ColumnElement[bool]]],
    values: Mapping[str, Any],
) -> Sequence[Any]:
    connection = session.connection()
    if filters:
        return tuple(connection.execute(_statement(shape, filters), values).one())
    known = prepared(_plain(shape), connection.dialect, tuple(values))
    return tuple(connection.exec_driver_sql(known.sql, tuple(known.values(values))).one())


@lru_cache(maxsize=64)
def _plain(shape: Shape) -> Select[Any]:
    """Built once: that takes as long as the database does."""
    return _statement(shape, {})


def _statement(shape: Shape, filters: Mapping[Documents, Sequence[ColumnElement[bool]]]) -> Select[Any]:
    """One row: neighbours, removals, then five columns of each kind, then the holders of each term."""
    columns: list[Any] = [by_signs.neighbours(), frequent_repository.removals(by_signs.USER)]
    tables: FromClause | None = None
    for kind in shape.kinds:
        part = _of_kind(kind, shape, filters.get(kind, ()))
        columns += part.c
        tables = part if tables is None else tables.join(part, true())
    if shape.is_ranked and len(shape.forms.wanted) > 1:
        columns += [_holders(place) for place in range(len(shape.forms.wanted))]
    assert tables is not None
    return select(*columns).select_from(tables)


def _holders(place: int) -> Any:
    having = select(MESSAGES.table.c.id).where(by_signs.having(MESSAGES, f"signs_{place}")).limit(_RARE)
    return select(func.count()).select_from(having.subquery()).scalar_subquery()


def _of_kind(kind: Documents, shape: Shape, conditions: Sequence[ColumnElement[bool]]) -> Subquery:
    """One row: how many there are, and columns of the newest."""
    documents, name = kind.table, kind.terms
    signed, checks = by_signs.having(kind), by_signs.checks(kind, shape.forms, conditions)
    enough, believed = (bindparam(f"{name}_{what}", type_=Integer) for what in ("enough", "believed"))
    found = select(documents.c.id, _place(kind)).where(signed, *checks).limit(enough).cte(f"{name}_found")
    counted = func.greatest(func.count(), believed).label("number")
    number = select(counted).select_from(found).cte(f"{name}_number")
    total = select(number.c.number).scalar_subquery()
    walk = by_signs.walk(kind, shape.forms, conditions).add_columns(_place(kind)).limit(_NEWEST).subquery()
    newest = union_all(
        select(*found.c).where(total <= _COUNTED).order_by(found.c.id.desc()).limit(_NEWEST),
        select(*walk.c).where(total > _COUNTED),
    ).subquery(f"{name}_newest")
    columns: Select[Any] = _columns(kind, shape, total.label("total"), newest)
    return columns.subquery(f"{name}_seen")


def _place(kind: Documents) -> ColumnElement[Any]:
    """Where a document is: what was found is got there, and not looked up again."""
    place: ColumnElement[Any] = literal_column(f"{kind.table.name}.ctid")
    return place.label("place")


def _columns(kind: Documents, shape: Shape, total: ColumnElement[int], newest: Subquery) -> Any:
    documents, nothing = kind.table, null()
    if not shape.is_ranked:
        return select(total, func.array_agg(newest.c.id), *(nothing.label(f"no_{at}") for at in range(3)))
    # A place is one of each partition.
    there = literal_column(f"{documents.name}.ctid") == newest.c.place
    rows = newest.join(documents, there & in_partition_of(documents.c, by_signs.USER))
    ids, texts = func.array_agg(documents.c.id), func.array_agg(documents.c.text)
    if kind is not MESSAGES:
        return select(total, ids, texts, *(nothing.label(f"no_{at}") for at in range(2))).select_from(rows)
    named = _TITLES.c.id == documents.c.conversation_id
    rows = rows.outerjoin(_TITLES, named & owned(_TITLES.c, by_signs.USER))
    titles = func.array_agg(func.coalesce(_TITLES.c.text, ""))
    return select(total, ids, texts, titles, func.array_agg(documents.c.said_at)).select_from(rows)
