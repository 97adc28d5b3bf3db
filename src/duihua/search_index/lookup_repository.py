"""What the index finds: ids, newest first, counted and checked inside the database."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, column, func, literal, select, table

from duihua.db.session import Session
from duihua.models import MessageDocument
from duihua.models.search import owned
from duihua.search_index import found as limits
from duihua.search_index import signs_repository as by_signs
from duihua.search_index.found import Found, Wanted
from duihua.search_index.query import Query, Term
from duihua.search_index.repository import CONVERSATIONS, MESSAGES, Documents, is_sqlite, place
from duihua.search_index.signs import spread

# More tokens of one term hardly exclude a text that the first ones let through.
_TOKENS_OF_TERM = 8
# So many words that a piece is in are looked up; what is in others is looked for in the texts.
_WORDS = 16


def find(session: Session, user_id: int, wanted: Wanted) -> Found:
    """The user's documents that are wanted (on SQLite)."""
    indexed, query = matching(session, user_id, wanted), wanted.query
    pieces = [term for term in query.wanted if not term.is_proven]
    sure = not wanted.conditions and all(term.is_proven for term in query.unwanted)
    if sure and pieces and all(term.is_piece for term in pieces):
        return _newest_first(session, user_id, wanted, indexed)
    return run(session, indexed)


def run(session: Session, statement: Select[int]) -> Found:
    """Count and look in one go (on SQLite): both would gather the same hits."""
    connection, some = session.connection(), statement.limit(limits.COUNTED + 1).cte("found")
    # In their order; to give them one by one takes longer than to find them.
    gathered = select(func.count(), func.group_concat(some.c.id))
    total, ids = connection.execute(gathered).one()
    most = limits.NEWEST
    return Found(lambda: statement, total, [int(row) for row in (ids or "").split(",", most)[:most] if row])


def _newest_first(session: Session, user_id: int, wanted: Wanted, indexed: Select[int]) -> Found:
    """The same (of SQLite), looking into few texts for a piece of Latin words.

    The words that it is in are learnt from its newest hits; what has one of them is proven by its tokens, and
    is only counted. What has none, may have the piece in a word that the newest had not: that is looked into.
    """
    rows = (
        session.connection().execute(indexed.add_columns(wanted.kind.table.c.text).limit(limits.NEWEST)).all()
    )
    newest = [row.id for row in rows]
    if len(rows) < limits.NEWEST:
        return Found(lambda: indexed, len(rows), newest)
    query = wanted.query
    pieces = [term for term in query.wanted if not term.is_proven]
    words = [_any(Counter(word for row in rows for word in term.words(row.text))) for term in pieces]
    if not all(words):
        return run(session, indexed)
    proven = [term for term in query.wanted if term.is_proven]
    sure = _match(_tokens(wanted.facts, proven), _lacks(wanted), words)
    total = _count(session, _at(user_id, wanted.kind, sure))
    if total <= limits.COUNTED:
        others = (
            f"({_match(_tokens(wanted.facts, query.wanted), _lacks(wanted))}) NOT ({' AND '.join(words)})"
        )
        total += _count(session, _checked(_at(user_id, wanted.kind, others), wanted))
    return Found(lambda: indexed, min(total, limits.COUNTED + 1), newest)


def _count(session: Session, statement: Select[int]) -> int:
    some = statement.order_by(None).limit(limits.COUNTED + 1).subquery()
    return session.connection().execute(select(func.count()).select_from(some)).scalar_one()


def _any(words: Counter[str]) -> str:
    """For FTS5: one of the most frequent of these."""
    found = " OR ".join(f'"{word}"' for word, _ in words.most_common(_WORDS))
    return found and f"({found})"


def frequencies(session: Session, user_id: int, terms: Sequence[Term]) -> list[int]:
    """In how many messages the tokens of each term are (on SQLite); at most `RARE`."""
    counts = []
    for term in terms:
        having = _at(user_id, MESSAGES, _match(_tokens((), [term])))
        holders = having.order_by(None).limit(limits.RARE).subquery()
        counts.append(select(func.count()).select_from(holders).scalar_subquery())
    return list(session.connection().execute(select(*counts)).one())


def matching(session: Session, user_id: int, wanted: Wanted) -> Select[int]:
    """The ids of the user's documents that are wanted, newest (largest) first."""
    if not is_sqlite(session):
        return by_signs.matching(session, user_id, wanted)
    indexed = _match(_tokens(wanted.facts, wanted.query.wanted), _lacks(wanted))
    return _checked(_at(user_id, wanted.kind, indexed), wanted)


def _tokens(facts: Sequence[str], terms: Sequence[Term]) -> list[str]:
    return [*facts, *(token for term in terms for token in spread(term.tokens, _TOKENS_OF_TERM))]


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


def conversations_with(session: Session, user_id: int, query: Query, conversation_id: Any) -> Any:
    """A condition: the conversation is meant itself, or one of its messages is."""
    if not is_sqlite(session):
        by_signs.plan_for_signs(session)
    itself = matching(session, user_id, Wanted(CONVERSATIONS, query)).order_by(None)
    said = matching(session, user_id, Wanted(MESSAGES, query)).order_by(None)
    of_messages = select(MessageDocument.conversation_id).where(
        MessageDocument.id.in_(said), owned(MessageDocument, literal(user_id, BigInteger))
    )
    return conversation_id.in_(itself) | conversation_id.in_(of_messages)


def _match(wanted: Sequence[str], unwanted: Sequence[str] = (), also: Sequence[str] = ()) -> str:
    """For FTS5. A token holds no quotation mark: that is a symbol with another name."""
    expression = " AND ".join([*(f'"{token}"' for token in dict.fromkeys(wanted)), *also])
    excluded = " OR ".join(f'"{token}"' for token in dict.fromkeys(unwanted))
    return f"({expression}) NOT ({excluded})" if excluded else expression
