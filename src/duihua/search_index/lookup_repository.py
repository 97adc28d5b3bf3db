"""What the index finds: ids, newest first, counted and checked inside the database."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    and_,
    column,
    func,
    literal,
    not_,
    select,
    table,
)

from duihua.db.session import Session
from duihua.models import MessageDocument, User
from duihua.search_index import tokens
from duihua.search_index.query import Query, Term
from duihua.search_index.repository import CONVERSATIONS, MESSAGES, Documents

# Of more hits it is only said that they are more.
COUNTED = 10_000
# More tokens of one term hardly exclude a text that the first ones let through.
_TOKENS_OF_TERM = 8
_NUMBERS = ARRAY(Integer)
# So many of the newest documents tell how common a query is. What is as common as this is counted faster by a
# walk through the documents than by the index, which gathers all hits before it gives the first.
_SAMPLE = 1000
_COMMON = 0.2


class Wanted(NamedTuple):
    """Which documents: with all `facts` (facets), none of `without`, and where `conditions` on them hold."""

    kind: Documents
    query: Query
    facts: Sequence[str] = ()
    conditions: Sequence[ColumnElement[bool]] = ()
    without: Sequence[str] = ()


class Found(NamedTuple):
    """A statement that finds ids, newest (largest) first, and how many; at most one beyond `COUNTED`."""

    statement: Select[int]
    total: int


def plan_each(session: Session) -> None:
    """Have PostgreSQL plan for the values at hand: users differ by a thousand times in what they own."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")


def find(session: Session, user_id: int, wanted: Wanted) -> Found:
    """The user's documents that are wanted."""
    facets = (*owner_facets(session, user_id), *wanted.facts)
    indexed = matching(session, wanted.kind, wanted.query, facets, wanted.conditions, wanted.without)
    if session.get_bind().dialect.name == "sqlite":
        return Found(indexed, count(session, indexed))
    walk = walking(user_id, wanted)
    total = count(session, walk if _is_common(session, user_id, wanted) else indexed)
    return Found(walk if total > COUNTED else indexed, total)


def walking(user_id: int, wanted: Wanted) -> Select[int]:
    """The same by looking into the documents (of PostgreSQL), the newest first, until there are enough."""
    documents = wanted.kind.table
    mine = select(documents.c.id).where(documents.c.user_id == user_id, *_looks(wanted))
    return mine.order_by(documents.c.id.desc())


def _looks(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Conditions that the planner expects of many documents, and can use no index for."""
    said, query = wanted.kind.table.c.text, wanted.query
    held = [term.literal for term in query.wanted if term.begins_word]
    unwanted = [term.literal for term in query.unwanted if term.begins_word]
    return [
        *wanted.conditions,
        *(func.strpos(said, term.literal) > 0 for term in query.wanted),
        *(not_(func.strpos(said, term.literal) > 0) for term in query.unwanted if not term.begins_word),
        *(_has(wanted.kind, token) for token in (*held, *wanted.facts)),
        *(not_(_has(wanted.kind, token)) for token in (*unwanted, *wanted.without)),
    ]


def _has(kind: Documents, token: str) -> ColumnElement[bool]:
    return func.coalesce(func.array_position(kind.table.c.tokens, tokens.packed(token)), 0) > 0


def _is_common(session: Session, user_id: int, wanted: Wanted) -> bool:
    documents = wanted.kind.table
    sample = select(and_(*_looks(wanted)).label("is_hit")).where(documents.c.user_id == user_id)
    some = sample.order_by(documents.c.id.desc()).limit(_SAMPLE).subquery()
    hits = func.count().filter(some.c.is_hit)
    row = session.connection().execute(select(hits, func.count()).select_from(some)).one()
    return bool(row[0] > row[1] * _COMMON)


def matching(
    session: Session,
    kind: Documents,
    query: Query,
    facets: Iterable[str],
    conditions: Sequence[ColumnElement[bool]] = (),
    without: Sequence[str] = (),
) -> Select[int]:
    """The ids of the documents that `query` means, newest (largest) first.

    `facets` must all be there, none of `without`, and `conditions` on the table of documents hold.
    """
    wanted = [*facets, *(token for term in query.wanted for token in _chosen(term))]
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    proven = {term for term in (*query.wanted, *query.unwanted) if _proves(term, is_sqlite=is_sqlite)}
    unwanted = [*without, *(token for term in query.unwanted if term in proven for token in term.tokens)]
    documents = kind.table
    holds = func.instr if is_sqlite else func.strpos
    checks = [
        *conditions,
        *(holds(documents.c.text, term.literal) > 0 for term in query.wanted if term not in proven),
        *(holds(documents.c.text, term.literal) == 0 for term in query.unwanted if term not in proven),
    ]
    if not is_sqlite:
        checks.append(documents.c.tokens.bool_op("@>")(_numbers(wanted)))
        checks.extend([not_(documents.c.tokens.bool_op("&&")(_numbers(unwanted)))] if unwanted else [])
        return select(documents.c.id).where(*checks).order_by(documents.c.id.desc())
    terms = table(kind.terms, column("rowid"), column(kind.terms))
    found = select(terms.c.rowid.label("id")).where(
        terms.c[kind.terms].bool_op("MATCH")(_match(wanted, unwanted))
    )
    if checks:
        found = found.join(documents, documents.c.id == terms.c.rowid).where(*checks)
    return found.order_by(terms.c.rowid.desc())


def _proves(term: Term, *, is_sqlite: bool) -> bool:
    """Whether its tokens are all that must be looked at; as a number, a longer one may be another's too."""
    return term.is_proven and (is_sqlite or term.begins_word or len(term.literal) == 1)


def scanning(kind: Documents, query: Query) -> Select[int]:
    """The same by looking into every text (of SQLite), for terms that may begin anywhere."""
    text = kind.table.c.text
    checks = [
        *(func.instr(text, term.literal) > 0 for term in query.wanted),
        *(func.instr(text, term.literal) == 0 for term in query.unwanted),
    ]
    return select(kind.table.c.id).where(*checks).order_by(kind.table.c.id.desc())


def count(session: Session, found: Select[Any]) -> int:
    """How many rows, but no more than one beyond `COUNTED`."""
    some = found.order_by(None).limit(COUNTED + 1).subquery()
    return session.connection().scalar(select(func.count()).select_from(some)) or 0


def owner_facets(session: Session, user_id: int) -> tuple[str, ...]:
    """What keeps a lookup to the documents of this user; nothing where there is nobody else."""
    users = session.connection().scalars(select(User.id).limit(2)).all()
    return () if users == [user_id] else (tokens.facet("user", user_id),)


def conversations_with(session: Session, user_id: int, query: Query, conversation_id: Any) -> Any:
    """A condition: the conversation is meant itself, or one of its messages is."""
    facets = owner_facets(session, user_id)
    itself = matching(session, CONVERSATIONS, query, facets).order_by(None)
    said = matching(session, MESSAGES, query, facets).order_by(None)
    of_messages = select(MessageDocument.conversation_id).where(MessageDocument.id.in_(said))
    return conversation_id.in_(itself) | conversation_id.in_(of_messages)


def _chosen(term: Term) -> Sequence[str]:
    many = len(term.tokens)
    if many <= _TOKENS_OF_TERM:
        return term.tokens
    return [term.tokens[place * (many - 1) // (_TOKENS_OF_TERM - 1)] for place in range(_TOKENS_OF_TERM)]


def _match(wanted: Sequence[str], unwanted: Sequence[str]) -> str:
    """For FTS5. A token holds no quotation mark: that is a symbol with another name."""
    expression = " AND ".join(f'"{token}"' for token in dict.fromkeys(wanted))
    excluded = " OR ".join(f'"{token}"' for token in dict.fromkeys(unwanted))
    return f"({expression}) NOT ({excluded})" if excluded else expression


def _numbers(wanted: Iterable[str]) -> ColumnElement[Any]:
    return literal(sorted({tokens.packed(token) for token in wanted}), _NUMBERS)
