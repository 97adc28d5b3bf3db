"""How PostgreSQL finds: by signs, which are in a GIN index, and by a walk through the documents."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from duihua.core.text import LATIN
from duihua.db.session import Session
from duihua.models import User
from duihua.models import search as models
from duihua.search_index import signs
from duihua.search_index.found import Wanted
from duihua.search_index.query import Query, Term
from duihua.search_index.repository import Documents

_TEXTS = ARRAY(Text)
USER: BindParameter[int] = bindparam("user_id", type_=BigInteger)
# Of a session: whether nobody else is in the partition of its user.
_ALONE = "search_alone"
# Terms differ by a thousand times in how many have them: planned is for the one at hand. No whole table is
# read: the planner does not know what it costs to make the signs of every text again.
_PLANS = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)"
    for name, value in {
        "plan_cache_mode": "force_custom_plan",
        "enable_seqscan": "off",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
    }.items()
)


class Forms(NamedTuple):
    """What of a query makes other conditions; all else of them is values.

    Attributes:
        proven: Of each wanted term, whether every text with its signs has it.
        wanted: Of each wanted term, whether it begins a word.
        unwanted: The same of each unwanted one.
    """

    proven: tuple[bool, ...]
    wanted: tuple[bool, ...]
    unwanted: tuple[bool, ...]


def forms(query: Query) -> Forms:
    """See `Forms`. One character is its sign, or has one with the space before it."""
    return Forms(
        tuple(len(term.literal) == 1 for term in query.wanted),
        tuple(term.begins_word for term in query.wanted),
        tuple(term.begins_word for term in query.unwanted),
    )


def values(user_id: int, query: Query, *, is_alone: bool) -> dict[str, Any]:
    """What the conditions below are told: all of the signs, those of each wanted term, and what it says."""
    owner = [] if is_alone else [signs.of_owner(user_id)]
    of_terms = [signs.of_literal(term.literal, begins_word=term.begins_word) for term in query.wanted]
    told: dict[str, Any] = {
        "user_id": user_id,
        "signs": [*owner, *dict.fromkeys(sign for each in of_terms for sign in each)],
    }
    for place, each in enumerate(of_terms):
        told[f"signs_{place}"] = [*owner, *each]
    for name, terms in (("wanted", query.wanted), ("unwanted", query.unwanted)):
        for place, term in enumerate(terms):
            told |= _said(f"{name}_{place}", term)
    return told


def _said(name: str, term: Term) -> dict[str, str]:
    if not term.begins_word:
        return {name: term.literal}
    begun = f"(^|[^{LATIN}]){term.literal}"
    return {name: term.literal, f"{name}_after_space": f" {term.literal}", f"{name}_begun": begun}


def having(kind: Documents, name: str = "signs") -> ColumnElement[bool]:
    """The document has all of these signs, and is in the user's partition."""
    held = literal_column(models.held(kind.table.name), _TEXTS)
    return and_(held.bool_op("@>")(bindparam(name, type_=_TEXTS)), models.in_partition_of(kind.table.c, USER))


def checks(
    kind: Documents, forms: Forms, conditions: Sequence[ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """What is left to be looked at where a document has all signs."""
    said, wanted = kind.table.c.text, enumerate(zip(forms.proven, forms.wanted, strict=True))
    return [
        *conditions,
        *(
            # Of letters, their signs say that they are there; not where.
            _begins(said, f"wanted_{place}") if begins else _is_there(said, f"wanted_{place}", begins)
            for place, (is_proven, begins) in wanted
            if not is_proven
        ),
        *_is_not_there(said, forms),
    ]


def looks(
    kind: Documents, forms: Forms, conditions: Sequence[ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """All that is wanted, as conditions on the document."""
    said = kind.table.c.text
    return [
        *conditions,
        *(_is_there(said, f"wanted_{place}", begins) for place, begins in enumerate(forms.wanted)),
        *_is_not_there(said, forms),
    ]


def _is_not_there(said: ColumnElement[str], forms: Forms) -> list[ColumnElement[bool]]:
    return [not_(_is_there(said, f"unwanted_{place}", begins)) for place, begins in enumerate(forms.unwanted)]


def _is_there(said: ColumnElement[str], name: str, begins_word: bool) -> ColumnElement[bool]:
    has = func.strpos(said, bindparam(name, type_=Text)) > 0
    return and_(has, _begins(said, name)) if begins_word else has


def _begins(said: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Most words are first, or come after a space; to look for a pattern takes longer."""
    return or_(
        func.starts_with(said, bindparam(name, type_=Text)),
        func.strpos(said, bindparam(f"{name}_after_space", type_=Text)) > 0,
        said.regexp_match(bindparam(f"{name}_begun", type_=Text)),
    )


def walk(kind: Documents, forms: Forms, conditions: Sequence[ColumnElement[bool]]) -> Select[int]:
    """All that is wanted by a look into the user's documents, the newest first, until there are enough."""
    documents = kind.table
    # Not "is this user": the planner would rather read everybody's documents in the order of their ids.
    mine = documents.c.user_id.between(USER, USER), models.in_partition_of(documents.c, USER)
    found = select(documents.c.id).where(*mine, *looks(kind, forms, conditions))
    return found.order_by(documents.c.user_id.desc(), documents.c.id.desc())


def matching(session: Session, user_id: int, wanted: Wanted) -> Select[int]:
    """The ids of the user's documents that are wanted, newest (largest) first."""
    kind, of_query = wanted.kind, forms(wanted.query)
    found = select(kind.table.c.id).where(having(kind), *checks(kind, of_query, wanted.conditions))
    told = values(user_id, wanted.query, is_alone=is_alone(session))
    return found.order_by(kind.table.c.id.desc()).params(told)


def walking(_: Session, user_id: int, wanted: Wanted) -> Select[int]:
    """The same by a walk."""
    statement = walk(wanted.kind, forms(wanted.query), wanted.conditions)
    return statement.params(values(user_id, wanted.query, is_alone=False))


def neighbours() -> ScalarSelect[int]:
    """How many users have the user's partition, this one among them; not more than two."""
    some = select(User.id).where(models.partition_of(User.id) == models.partition_of(USER))
    return select(func.count()).select_from(some.limit(2).subquery()).scalar_subquery()


def is_alone(session: Session) -> bool:
    """Whether the partition is known to be the user's alone; otherwise the owner is one of the signs."""
    return session.info.get(_ALONE, False) is True


def settle(session: Session, *, alone: bool) -> None:
    """Let this be known of the user of this session."""
    session.info[_ALONE] = alone


def plan_for_signs(session: Session) -> None:
    """Have this transaction plan as statements with signs need it: see `_PLANS`."""
    session.connection().exec_driver_sql(_PLANS)
