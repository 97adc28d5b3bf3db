"""What the index finds: ids, newest first, counted and checked inside the database."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    column,
    func,
    literal,
    literal_column,
    not_,
    select,
    table,
)

from duihua.db.session import Session
from duihua.models import MessageDocument, User
from duihua.models import search as models
from duihua.search_index import tokens
from duihua.search_index.query import Query, Term
from duihua.search_index.repository import CONVERSATIONS, MESSAGES, Documents, is_sqlite, place

# Of more hits it is only said that they are more.
COUNTED = 10_000
# Which of several words says more, shows in fewer.
RARE = 1000
# More tokens of one term hardly exclude a text that the first ones let through.
_TOKENS_OF_TERM = 8
# Ids that are found with their number: as many as are ranked.
_AT_ONCE = 300
# So many words that a piece is in are looked up; what is in others is looked for in the texts.
_WORDS = 16
_OWNERS = "search_owners"
_TEXTS = ARRAY(Text)


class Wanted(NamedTuple):
    """Which documents: where `conditions` hold; on SQLite, with all facets `facts`, none of `without`."""

    kind: Documents
    query: Query
    facts: Sequence[str] = ()
    conditions: Sequence[ColumnElement[bool]] = ()
    without: Sequence[str] = ()


class Found(NamedTuple):
    """What a statement finds, newest (largest id) first.

    Attributes:
        total: How many; at most one beyond `COUNTED`.
        newest: The first `_AT_ONCE` of the ids.
    """

    statement: Select[int]
    total: int
    newest: Sequence[int]


def find(session: Session, user_id: int, wanted: Wanted) -> Found:
    """The user's documents that are wanted."""
    indexed = matching(session, user_id, wanted)
    if is_sqlite(session):
        query = wanted.query
        pieces = [term for term in query.wanted if not term.is_proven]
        sure = not wanted.conditions and all(term.is_proven for term in query.unwanted)
        if sure and pieces and all(term.is_piece for term in pieces):
            return _newest_first(session, user_id, wanted, indexed)
        return run(session, indexed)
    # Without an order it is over after so many, and of what is common the server reads no index.
    found = run(session, indexed.order_by(None))
    if found.total <= COUNTED:
        return found._replace(statement=indexed)
    return run(session, walking(user_id, wanted), _AT_ONCE)._replace(total=found.total)


def run(session: Session, statement: Select[int], most: int | None = None) -> Found:
    """Count and look in one go: both would gather the same hits."""
    connection, some = session.connection(), statement.limit(most or COUNTED + 1).cte("found")
    number = select(func.count()).select_from(some)
    if is_sqlite(session):
        # In their order; to give them one by one takes longer than to find them.
        total, ids = connection.execute(number.add_columns(func.group_concat(some.c.id))).one()
        return Found(
            statement, total, [int(row) for row in (ids or "").split(",", _AT_ONCE)[:_AT_ONCE] if row]
        )
    newest = select(some.c.id, number.scalar_subquery()).order_by(some.c.id.desc()).limit(_AT_ONCE)
    rows = connection.execute(newest).all()
    return Found(statement, rows[0][1] if rows else 0, [row[0] for row in rows])


def _newest_first(session: Session, user_id: int, wanted: Wanted, indexed: Select[int]) -> Found:
    """The same (of SQLite), looking into few texts for a piece of Latin words.

    The words that it is in are learnt from its newest hits; what has one of them is proven by its tokens, and
    is only counted. What has none, may have the piece in a word that the newest had not: that is looked into.
    """
    rows = session.connection().execute(indexed.add_columns(wanted.kind.table.c.text).limit(_AT_ONCE)).all()
    newest = [row.id for row in rows]
    if len(rows) < _AT_ONCE:
        return Found(indexed, len(rows), newest)
    query = wanted.query
    pieces = [term for term in query.wanted if not term.is_proven]
    words = [_any(Counter(word for row in rows for word in term.words(row.text))) for term in pieces]
    if not all(words):
        return run(session, indexed)
    proven = [term for term in query.wanted if term.is_proven]
    sure = _match(_tokens(wanted.facts, proven), _lacks(wanted), words)
    total = _count(session, _at(user_id, wanted.kind, sure))
    if total <= COUNTED:
        others = (
            f"({_match(_tokens(wanted.facts, query.wanted), _lacks(wanted))}) NOT ({' AND '.join(words)})"
        )
        total += _count(session, _checked(_at(user_id, wanted.kind, others), wanted))
    return Found(indexed, min(total, COUNTED + 1), newest)


def _count(session: Session, statement: Select[int]) -> int:
    some = statement.order_by(None).limit(COUNTED + 1).subquery()
    return session.connection().execute(select(func.count()).select_from(some)).scalar_one()


def _any(words: Counter[str]) -> str:
    """For FTS5: one of the most frequent of these."""
    found = " OR ".join(f'"{word}"' for word, _ in words.most_common(_WORDS))
    return found and f"({found})"


def frequencies(session: Session, user_id: int, terms: Sequence[Term]) -> list[int]:
    """In how many messages the tokens of each term are; at most `RARE`."""
    counts = []
    for term in terms:
        holders = _with_tokens(session, user_id, MESSAGES, [term]).order_by(None).limit(RARE).subquery()
        counts.append(select(func.count()).select_from(holders).scalar_subquery())
    return list(session.connection().execute(select(*counts)).one())


def walking(user_id: int, wanted: Wanted) -> Select[int]:
    """The same by looking into the documents (of PostgreSQL), the newest first, until there are enough."""
    documents = wanted.kind.table
    mine = select(documents.c.id).where(documents.c.user_id == user_id, *_looks(wanted))
    return mine.order_by(documents.c.id.desc())


def _looks(wanted: Wanted) -> list[ColumnElement[bool]]:
    """All that is wanted, as conditions (of PostgreSQL) on the documents."""
    said, query = wanted.kind.table.c.text, wanted.query
    return [
        *wanted.conditions,
        *(_is_there(said, term) for term in query.wanted),
        *(not_(_is_there(said, term)) for term in query.unwanted),
    ]


def _is_there(said: ColumnElement[str], term: Term) -> ColumnElement[bool]:
    has = func.strpos(said, term.literal) > 0
    if not term.begins_word:
        return has
    return and_(has, said.regexp_match(f"(^|[^{tokens.LATIN}]){term.literal}"))


def matching(session: Session, user_id: int, wanted: Wanted) -> Select[int]:
    """The ids of the user's documents that are wanted, newest (largest) first."""
    query = wanted.query
    if not is_sqlite(session):
        return _with_tokens(session, user_id, wanted.kind, query.wanted).where(*_looks(wanted))
    indexed = _match(_tokens(wanted.facts, query.wanted), _lacks(wanted))
    return _checked(_at(user_id, wanted.kind, indexed), wanted)


def _tokens(facts: Sequence[str], terms: Sequence[Term]) -> list[str]:
    return [*facts, *(token for term in terms for token in _chosen(term.tokens))]


def _lacks(wanted: Wanted) -> list[str]:
    proven = [term for term in wanted.query.unwanted if term.is_proven]
    return [*wanted.without, *(token for term in proven for token in term.tokens)]


def _checked(found: Select[int], wanted: Wanted) -> Select[int]:
    """Of what the tokens leave (on SQLite), what is wanted."""
    query, documents = wanted.query, wanted.kind.table
    checks = [
        *wanted.conditions,
        *(func.instr(documents.c.text, term.literal) > 0 for term in query.wanted if not term.is_proven),
        *(func.instr(documents.c.text, term.literal) == 0 for term in query.unwanted if not term.is_proven),
    ]
    if checks:
        found = found.join(documents, documents.c.id == found.selected_columns.id)
    return found.where(*checks)


def _with_tokens(
    session: Session,
    user_id: int,
    kind: Documents,
    terms: Sequence[Term],
) -> Select[int]:
    """The ids of the user's documents that have the tokens of these terms, newest (largest) first."""
    if not is_sqlite(session):
        held = literal_column(models.held(kind.table.name), _TEXTS)
        signs = [*_owner_sign(session, user_id), *(sign for term in terms for sign in _chosen(term.signs))]
        found = select(kind.table.c.id).where(held.bool_op("@>")(literal(signs, _TEXTS)))
        return found.order_by(kind.table.c.id.desc())
    return _at(user_id, kind, _match(_tokens((), terms)))


def _at(user_id: int, kind: Documents, expression: str) -> Select[int]:
    """The ids of the user's documents that FTS5 finds, newest (largest) first."""
    fts = table(kind.terms, column("rowid"), column(kind.terms))
    found = select((fts.c.rowid - place(user_id)).label("id")).where(
        fts.c[kind.terms].bool_op("MATCH")(expression),
        fts.c.rowid.between(place(user_id), place(user_id + 1)),
    )
    return found.order_by(fts.c.rowid.desc())


def scanning(kind: Documents, query: Query) -> Select[int]:
    """The same by looking into every text (of SQLite), for terms that may begin anywhere."""
    text = kind.table.c.text
    checks = [
        *(func.instr(text, term.literal) > 0 for term in query.wanted),
        *(func.instr(text, term.literal) == 0 for term in query.unwanted),
    ]
    return select(kind.table.c.id).where(*checks).order_by(kind.table.c.id.desc())


def _owner_sign(session: Session, user_id: int) -> tuple[str, ...]:
    """What keeps a lookup of PostgreSQL to the documents of this user; nothing where there is nobody else.

    And have it plan for the values at hand, as users differ by a thousand times in what they own; and never
    read a whole table, as it does not know what it costs to make the signs of every text again.
    """
    if _OWNERS not in session.info:
        custom = func.set_config("plan_cache_mode", "force_custom_plan", literal(True))
        by_index = func.set_config("enable_seqscan", "off", literal(True))
        users = session.connection().execute(select(custom, by_index, User.id).limit(2))
        session.info[_OWNERS] = [row.id for row in users]
    return () if session.info[_OWNERS] == [user_id] else (f"user{user_id}",)


def conversations_with(session: Session, user_id: int, query: Query, conversation_id: Any) -> Any:
    """A condition: the conversation is meant itself, or one of its messages is."""
    itself = matching(session, user_id, Wanted(CONVERSATIONS, query)).order_by(None)
    said = matching(session, user_id, Wanted(MESSAGES, query)).order_by(None)
    of_messages = select(MessageDocument.conversation_id).where(MessageDocument.id.in_(said))
    return conversation_id.in_(itself) | conversation_id.in_(of_messages)


def _chosen(implied: Sequence[str]) -> Sequence[str]:
    """Of these tokens, so few that more would hardly exclude another text."""
    many = len(implied)
    if many <= _TOKENS_OF_TERM:
        return implied
    return [implied[at * (many - 1) // (_TOKENS_OF_TERM - 1)] for at in range(_TOKENS_OF_TERM)]


def _match(wanted: Sequence[str], unwanted: Sequence[str] = (), also: Sequence[str] = ()) -> str:
    """For FTS5. A token holds no quotation mark: that is a symbol with another name."""
    expression = " AND ".join([*(f'"{token}"' for token in dict.fromkeys(wanted)), *also])
    excluded = " OR ".join(f'"{token}"' for token in dict.fromkeys(unwanted))
    return f"({expression}) NOT ({excluded})" if excluded else expression
