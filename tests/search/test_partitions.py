"""Where PostgreSQL keeps documents: a search of one user's does not so much as open what others have."""

from typing import Any

from sqlalchemy import select, text

from duihua.db.session import Session, open_database
from duihua.models import Conversation
from duihua.models.search import PARTITIONS
from duihua.models.user import LOCAL_USER_ID
from duihua.schemas.search import SearchQuery
from duihua.search import service
from duihua.search_index import lookup_repository
from duihua.search_index.query import parse
from tests.search.test_answers import add


async def test_a_search_opens_the_partition_of_its_user_alone(postgres_database_url: str) -> None:
    database = open_database(postgres_database_url)
    opened = text(
        "SELECT DISTINCT CAST(CAST(relation AS regclass) AS text) FROM pg_locks "
        "WHERE pid = pg_backend_pid() AND CAST(CAST(relation AS regclass) AS text) ~ '_documents_[0-9]+$'"
    )

    def search(session: Session, wanted: dict[str, Any]) -> set[str]:
        service.search(session, LOCAL_USER_ID, SearchQuery(**wanted))
        return set(session.scalars(opened))

    def listed(session: Session) -> set[str]:
        here = lookup_repository.conversations_with(session, LOCAL_USER_ID, parse("茶"), Conversation.id)
        assert session.scalars(select(Conversation.title).where(here)).all() == ["茶"]
        return set(session.scalars(opened))

    both = {f"{kind}_documents_{LOCAL_USER_ID % PARTITIONS}" for kind in ("message", "conversation")}
    try:
        await database.write(lambda session: add(session, ["红茶 tea"], title="茶"))
        for wanted in ({"sort": "newest"}, {"sort": "relevance"}, {"begin_time": "2026-01-01"}):
            assert await database.read(search, {"keyword": "茶 tea"} | wanted) == both, wanted
        assert await database.read(listed) == both
    finally:
        await database.close()
