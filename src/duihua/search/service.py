"""What is found."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from duihua.conversations import access as conversation_access
from duihua.core.clock import iso
from duihua.core.text import fold
from duihua.db.session import Database, Session
from duihua.groups import access as group_access
from duihua.schemas import outgoing
from duihua.schemas.search import SearchQuery
from duihua.search import page_repository, repository, snippets
from duihua.search.ranking import ranked
from duihua.search.repository import Hits
from duihua.search_index import found as limits
from duihua.search_index.query import Query, Term, parse


class _Asked(NamedTuple):
    wanted: SearchQuery
    query: Query
    rarity: Mapping[Term, float]


async def find(database: Database, user_id: int, wanted: SearchQuery) -> dict[str, Any]:
    """See `search`. Two are searching at a time, and others wait."""
    async with database.long_reads:
        return await database.read(search, user_id, wanted)


def search(session: Session, user_id: int, wanted: SearchQuery) -> dict[str, Any]:
    """A `SearchResponse`.

    Raises:
        InvalidInput (nothing to look for), GroupNotFound, ConversationNotFound.
    """
    query = parse(wanted.keyword)
    if wanted.group_id is not None:
        group_access.owned(session, user_id, wanted.group_id)
    within = None
    if wanted.chat_id is not None:
        within = conversation_access.owned(session, user_id, wanted.chat_id).id
    chats, said, rarity = repository.look(session, user_id, wanted, query, within)
    asked = _Asked(wanted, query, rarity)
    found = page_repository.conversations(session, user_id, _page(session, chats, asked))
    totals = [hits.total if hits else 0 for hits in (chats, said)]
    return {
        "conversations": [_conversation(row, query) for row in found],
        "messages": [
            _message(row, query)
            for row in page_repository.messages(session, user_id, _page(session, said, asked))
        ],
        "total": {
            "conversations": min(totals[0], limits.COUNTED),
            "messages": min(totals[1], limits.COUNTED),
            "is_exact": max(totals) <= limits.COUNTED,
        },
        "pageNum": wanted.page_num,
        "pageSize": wanted.page_size,
    }


def _page(session: Session, hits: Hits | None, asked: _Asked) -> Sequence[int]:
    """The ids of the page, the same ones on whichever page they are asked for."""
    wanted = asked.wanted
    first = (wanted.page_num - 1) * wanted.page_size
    last = min(first + wanted.page_size, limits.COUNTED)
    if hits is None or first >= min(hits.total, limits.COUNTED):
        return []
    if wanted.sort == "place":
        return repository.by_place(session, hits, first, last - first)
    if wanted.sort == "newest":
        return repository.by_time(session, hits, first, last - first)
    ids: list[int] = []
    if first < limits.NEWEST:
        candidates = repository.candidates(session, hits, limits.NEWEST)
        ids += ranked(candidates, asked.query, asked.rarity)[first:last]
    if last > limits.NEWEST:
        beyond = max(first, limits.NEWEST)
        ids += repository.newest(session, hits, beyond, last - beyond)
    return ids


def _conversation(row: Any, query: Query) -> dict[str, Any]:
    folded = fold(row.description)
    snippet = snippets.passage(row.description, folded, query) if row.description and folded else None
    return outgoing.conversation(row) | {
        "highlighted_title": snippets.highlight(row.title, query),
        "snippet": snippet,
    }


def _message(row: Any, query: Query) -> dict[str, Any]:
    return {
        "id": row.id,
        "uuid": row.uuid,
        "chat_id": row.chat_id,
        "chat_title": row.chat_title,
        "highlighted_title": snippets.highlight(row.chat_title, query),
        "group_id": row.group_id,
        "role": row.role,
        "message_type": row.message_type,
        "model_id": row.model_id,
        "snippet": snippets.passage(row.content, row.folded, query),
        "parent_id": row.parent_id,
        "depth": row.depth,
        "on_branch": row.on_branch,
        "created_at": iso(row.created_at),
    }
