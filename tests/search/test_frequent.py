"""What PostgreSQL is spared: to count again what is known to be in more texts than are counted."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from duihua.db.session import Database, Session, open_database
from duihua.models import Message
from duihua.models.user import LOCAL_USER_ID
from duihua.schemas.search import SearchQuery
from duihua.search import service
from duihua.search_index import audit_repository, frequent_repository, repository, survey_repository
from duihua.search_index import found as limits
from duihua.search_index.query import parse
from tests.search.test_answers import add

_COUNTED = 3


@pytest.fixture
async def here(postgres_database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(limits, "COUNTED", _COUNTED)
    database = open_database(postgres_database_url)
    yield database
    await database.close()


@pytest.fixture
async def there(postgres_database_url: str) -> AsyncIterator[Database]:
    """Another process."""
    database = open_database(postgres_database_url)
    yield database
    await database.close()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each statement that is told: whether it counts messages."""
    counts, values = list[bool](), survey_repository._values

    def seen(*args: Any, **kwargs: Any) -> dict[str, Any]:
        told = values(*args, **kwargs)
        counts.append(told["message_terms_enough"] > 0)
        return told

    monkeypatch.setattr(survey_repository, "_values", seen)
    return counts


async def found(database: Database, **wanted: Any) -> tuple[int, bool]:
    query = SearchQuery(**{"keyword": "茶"} | wanted)
    total = (await database.read(service.search, LOCAL_USER_ID, query))["total"]
    return total["messages"], total["is_exact"]


def say(session: Session, row_id: int, content: str) -> None:
    row = session.get(Message, row_id)
    assert row is not None
    row.content = content
    session.flush()
    repository.refresh_messages(session, [row_id])


async def test_what_is_frequent_is_counted_once(here: Database, counted: list[bool]) -> None:
    await here.write(add, ["红茶"] * (_COUNTED + 1))
    assert [await found(here) for _ in range(3)] == [(_COUNTED, False)] * 3
    assert counted == [True, False, False]
    await here.write(add, ["绿茶"])
    # Where a filter is to hold as well, or it is another question, nothing is known.
    assert await found(here, role="assistant") == (0, True)
    assert await found(here, keyword="绿茶") == (1, True)
    assert await found(here, keyword="茶 -红") == (1, True)
    assert await found(here) == (_COUNTED, False)
    assert counted == [True, False, False, True, True, True, False]


async def test_it_is_counted_anew_where_something_was_taken_away(
    here: Database, there: Database, counted: list[bool]
) -> None:
    rows = await here.write(add, ["红茶"] * (_COUNTED + 2))
    assert [await found(here), await found(there)] == [(_COUNTED, False)] * 2
    await there.write(say, rows[0], "水")
    assert await found(here) == (_COUNTED, False)
    await there.write(say, rows[1], "水")
    assert await found(here) == (_COUNTED, True)
    await there.write(say, rows[1], "茶")
    counted.clear()
    assert await found(here) == (_COUNTED, False)
    assert counted == [True]
    await here.write(audit_repository.clear, "messages", repository.MESSAGES)
    assert [await found(here), await found(there)] == [(0, True)] * 2


def test_so_many_questions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frequent_repository, "_MOST", 2)
    frequent = frequent_repository.Frequent()
    first, second, third = [(LOCAL_USER_ID, parse(word)) for word in ("茶", "水", "酒")]
    frequent.learn(first, 0)
    frequent.learn(second, 0)
    # Whoever asks again learns again.
    frequent.learn(first, 0)
    frequent.learn(third, 1)
    assert [frequent.get(question) for question in (first, second, third)] == [0, None, 1]
    frequent.learn(first, None)
    assert frequent.get(first) is None
