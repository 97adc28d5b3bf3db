"""`GET /chat/search`: filters, order, pages, snippets, and what is refused."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event

from duihua.core.ids import new_uuid
from duihua.core.text import fold
from duihua.db.session import Database, Session, open_database
from duihua.models import ChatGroup, Message, User
from duihua.models.search import PARTITIONS
from duihua.models.user import LOCAL_USER_ID
from duihua.schemas.search import SearchQuery
from duihua.search import repository as search_repository
from duihua.search import service, snippets
from duihua.search_index import found as limits
from duihua.search_index import repository
from duihua.search_index.query import parse
from tests.fixtures.client import Client
from tests.fixtures.rows import MOMENT, SECRET, add_stranger, conversation, default_group_id


async def search(client: Client, keyword: str, **query: Any) -> dict[str, Any]:
    return (await client.get(f"/chat/search?{urlencode({'keyword': keyword} | query)}")).data


async def ids(client: Client, keyword: str, **query: Any) -> list[int]:
    return [hit["id"] for hit in (await search(client, keyword, **query))["messages"]]


def add(session: Session, texts: list[str], *, title: str = "", **fields: Any) -> list[int]:
    """Messages of one conversation, each a minute before the one before it."""
    user = fields.pop("user_id", LOCAL_USER_ID)
    chat = conversation(
        user_id=user, group_id=fields.pop("group_id", default_group_id(session, user)), title=title
    )
    session.add(chat)
    session.flush()
    defaults = {"role": "user", "user_id": user, "conversation_id": chat.id}
    rows = []
    for age, content in enumerate(texts):
        moment = MOMENT - timedelta(minutes=age)
        moments = {"created_at": moment, "updated_at": moment}
        rows.append(Message(uuid=new_uuid(), content=content, **(defaults | moments | fields)))
    session.add_all(rows)
    session.flush()
    repository.refresh_conversations(session, [chat.id])
    repository.refresh_messages(session, [row.id for row in rows])
    return [row.id for row in rows]


async def stored(client: Client, texts: list[str], **fields: Any) -> list[int]:
    return await client.app.state.database.write(lambda session: add(session, texts, **fields))


async def test_filters_combine(client: Client) -> None:
    group = (await client.post("/chat/groups", {"name": "工作"})).data["id"]
    [plain] = await stored(client, ["茶"])
    [grouped] = await stored(client, ["茶"], group_id=group)
    [reply] = await stored(client, ["茶"], role="assistant", model_id="gpt/x y")
    [picture] = await stored(client, ["茶"], message_type="image", group_id=group)
    expected: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [picture, reply, grouped, plain]),
        ({"groupId": group}, [picture, grouped]),
        ({"role": "assistant"}, [reply]),
        ({"modelId": "gpt/x y"}, [reply]),
        ({"modelId": "gpt"}, []),
        ({"messageType": "image"}, [picture]),
        ({"messageType": "text"}, [reply, grouped, plain]),
        ({"group_id": group, "message_type": "text"}, [grouped]),
        ({"type": "chat"}, []),
        ({"beginTime": "2026-01-31", "endTime": "2026-01-31"}, [picture, reply, grouped, plain]),
        ({"beginTime": "2026-02-01"}, []),
        ({"endTime": "2026-01-30"}, []),
    ]
    for query, wanted in expected:
        assert await ids(client, "茶", **query) == wanted, query


async def test_one_conversation_from_its_end_to_its_beginning(client: Client) -> None:
    config = {"offline": {"text": "喝茶。", "rate": 0}}
    other = (await client.conversation(title="茶"))["uuid"]
    await client.say(other, "茶")
    chat = (await client.conversation(title="茶", config=config))["uuid"]
    for question in ("茶一", "水", "茶二"):
        await client.post("/chat/messages", {"chat_id": chat, "content": question})
    [_, second, third, *_] = await client.messages(chat)
    await client.post("/chat/messages/regenerate", {"chat_id": chat, "message_id": second["uuid"]})
    await client.put(f"/chat/messages/{third['uuid']}/activate")
    shown = [message["uuid"] for message in await client.messages(chat) if "茶" in message["content"]]
    query = {"chatId": chat, "onBranch": "true", "sort": "place"}
    found = await search(client, "茶", **query)
    assert [hit["uuid"] for hit in found["messages"]] == shown[::-1]
    assert (found["conversations"], found["total"]["messages"]) == ([], 5)
    page = await search(client, "茶", **query, pageSize=2, pageNum=2)
    assert [hit["uuid"] for hit in page["messages"]] == shown[::-1][2:4]
    hidden = await search(client, "茶", chatId=chat, onBranch="false")
    assert [hit["on_branch"] for hit in hidden["messages"]] == [False]
    assert len(await ids(client, "茶", chatId=chat)) == 6


async def test_a_place_is_in_a_conversation_of_ones_own(client: Client) -> None:
    assert (await client.get("/chat/search?keyword=x&sort=place")).status == 422
    unknown = await client.get(f"/chat/search?keyword=x&chatId={new_uuid()}")
    assert (unknown.status, unknown.error) == (404, "conversation_not_found")


async def test_newest_is_by_time_and_not_by_id(client: Client) -> None:
    texts = ["很长的一句话里也有茶"] * 3 + ["茶"]
    rows = await stored(client, texts)
    assert await ids(client, "茶", sort="newest") == rows
    assert await ids(client, "茶") == [rows[3], *rows[:3]]


async def test_the_expected_comes_first(client: Client) -> None:
    [passing] = await stored(client, ["昨天在路上看到一家店，里面卖很多东西，也卖茶壶，我没有进去。" * 3])
    [often] = await stored(client, ["茶壶怎么选？茶壶要看产地。"])
    [titled] = await stored(client, ["这里只提了一次茶壶，不多说。" * 2], title="紫砂茶壶")
    [later] = await stored(client, ["昨天在路上看到一家店，里面卖很多东西，也卖茶壶，我没有进去。" * 3])
    assert await ids(client, "茶壶") == [titled, often, later, passing]


async def test_pages_hold_each_hit_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NEWEST", 7)
    rows = await stored(client, [f"茶{'茶' * (n % 3)}" for n in range(25)])
    for sort in ("relevance", "newest"):
        pages = [await ids(client, "茶", sort=sort, pageNum=number, pageSize=10) for number in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [10, 10, 5, 0]
        assert sorted(row for page in pages for row in page) == rows


async def test_a_total_says_when_there_is_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COUNTED", 10)
    await stored(client, ["茶"] * 10, title="茶")
    exact = (await search(client, "茶"))["total"]
    assert exact == {"conversations": 1, "messages": 10, "is_exact": True}
    await stored(client, ["茶"])
    assert (await search(client, "茶"))["total"] == exact | {"is_exact": False}
    assert await ids(client, "茶", pageNum=2, pageSize=10) == []


async def test_of_very_many_hits_the_newest_and_the_filtered_are_exact(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COUNTED", 3)
    monkeypatch.setattr(search_repository, "_LOOKAHEAD", 1)
    group = (await client.post("/chat/groups", {"name": "工作"})).data["id"]
    backwards = await stored(client, ["红茶"] * 6)
    assert await ids(client, "茶", sort="newest") == backwards[:3]
    later = [(await stored(client, ["绿茶"], group_id=group, role="assistant"))[0] for _ in range(4)]
    assert await ids(client, "茶", sort="newest", pageSize=2) == [later[3], later[2]]
    for keyword in ("茶", "绿茶 茶", "茶 -红"):
        assert await ids(client, keyword, groupId=group, sort="newest") == later[:0:-1]
        assert await ids(client, keyword, groupId=group, role="user") == []
        assert await ids(client, keyword, beginTime="2026-02-01") == []
    assert await ids(client, "茶", endTime="2026-01-31T07:55:30Z") == [backwards[5]]


async def test_nobody_finds_what_is_somebody_elses(client: Client) -> None:
    def strange(session: Session) -> None:
        stranger = add_stranger(session)
        add(session, [SECRET, "茶"], title="茶", user_id=stranger.user)
        repository.refresh_messages_of(session, [stranger.chat_row])
        repository.refresh_conversations(session, [stranger.chat_row])

    await client.app.state.database.write(strange)
    [mine] = await stored(client, ["茶"], title="茶")
    answer = await search(client, "茶")
    assert [hit["id"] for hit in answer["messages"]] == [mine]
    assert answer["total"] == {"conversations": 1, "messages": 1, "is_exact": True}
    empty = {"conversations": 0, "messages": 0, "is_exact": True}
    assert (await search(client, SECRET))["total"] == empty
    listed = (await client.get(f"/chat/conversations/list?{urlencode({'keyword': '茶'})}")).data
    assert listed["total"] == 1


@pytest.mark.parametrize("number", [LOCAL_USER_ID + 1, LOCAL_USER_ID + PARTITIONS])
async def test_of_two_users_each_finds_their_own(database: Database, number: int) -> None:
    """In a partition of their own, and in the same."""
    keywords = ("茶", "红茶", "t", "te", "tea -红", "茶 tea")

    def meet(session: Session) -> dict[int, list[int]]:
        session.add(User(id=number, uuid=new_uuid(), name="neighbour", created_at=MOMENT))
        session.flush()
        group = ChatGroup(user_id=number, name="x", is_default=True, created_at=MOMENT, updated_at=MOMENT)
        session.add(group)
        session.flush()
        texts = ["红茶 tea", "茶 tea", "水"]
        return {
            user: add(session, texts, title="茶 tea", user_id=user)[:2] for user in (LOCAL_USER_ID, number)
        }

    rows = await database.write(meet)
    for user, theirs in rows.items():
        for keyword in keywords:
            answer = await database.read(service.search, user, SearchQuery(keyword=keyword))
            found = [message["id"] for message in answer["messages"]]
            assert set(found) <= set(theirs)
            assert answer["total"]["messages"] == len(found) > 0
            assert answer["total"]["conversations"] == (keyword != "红茶")


async def test_a_search_of_postgres_is_few_statements(postgres_database_url: str) -> None:
    """Each is a way there and back, and costs as much as a lookup."""
    database = open_database(postgres_database_url, pool_size=1)
    told: list[str] = []

    def search(session: Session, keyword: str) -> dict[str, Any]:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *it: told.append(it[2]))
        return service.search(session, LOCAL_USER_ID, SearchQuery(keyword=keyword))

    try:
        await database.write(lambda session: add(session, ["红茶 tea"], title="茶"))
        for keyword, statements in (("茶", 4), ("水", 2), ("茶 tea -水", 3)):
            told.clear()
            await database.read(search, keyword)
            assert len(told) == statements, told
    finally:
        await database.close()


async def test_searches_wait_for_each_other_and_nobody_waits_for_them(client: Client) -> None:
    [row] = await stored(client, ["茶"])
    turns = client.app.state.database.long_reads
    async with turns, turns:
        searching = asyncio.create_task(ids(client, "茶"))
        assert (await client.get("/chat/conversations/list")).status == 200
        assert not searching.done()
    assert await searching == [row]


@pytest.mark.parametrize("keyword", [" ", "　", "-茶", '" "', '-"茶 壶"', "\t-a -b"])
async def test_what_names_nothing_is_refused(client: Client, keyword: str) -> None:
    for path in ("/chat/search", "/chat/conversations/list"):
        refusal = await client.get(f"{path}?{urlencode({'keyword': keyword})}")
        assert (refusal.status, refusal.body["detail"][0]["loc"]) == (422, ["query", "keyword"])


async def test_a_search_without_a_keyword_is_refused(client: Client) -> None:
    assert (await client.get("/chat/search")).status == 422
    assert (await client.get(f"/chat/search?keyword={'a' * 201}")).status == 422


MARKED = [
    ("去京都旅行", "京都", "去<mark>京都</mark>旅行"),
    ('<b>京都</b> & "x" \'', "京都", "&lt;b&gt;<mark>京都</mark>&lt;/b&gt; &amp; &quot;x&quot; &#x27;"),
    ("a<mark>b</mark>", "mark", "a&lt;<mark>mark</mark>&gt;b&lt;/<mark>mark</mark>&gt;"),
    ("京都京都 京", "京都", "<mark>京都京都</mark> 京"),
    ("Straße ＡＢＣ ﬁn", "strasse abc in", "<mark>Straße</mark> <mark>ＡＢＣ</mark> ﬁn"),
    ("ﬁnal", "ina", "<mark>ﬁna</mark>l"),
    ("👨‍👩‍👧👍", "👩", "<mark>👨‍👩‍👧</mark>👍"),
    ("cafe\u0301!", "café", "<mark>cafe\u0301</mark>!"),
    ("ｶﾞｷﾞ", "ガ", "<mark>ｶﾞ</mark>ｷﾞ"),
    ("ab xab", "ab", "<mark>ab</mark> xab"),
    ("a\nb  c", '"c"', "a b <mark>c</mark>"),
]


@pytest.mark.parametrize(("text", "keyword", "html"), MARKED)
def test_matches_are_marked_whole_and_all_else_is_escaped(text: str, keyword: str, html: str) -> None:
    assert snippets.passage(text, fold(text) or "", parse(keyword)) == html


def test_the_best_passage_is_shown() -> None:
    filling = "这里没有什么可看的，只是一些别的话。" * 40
    text = f"{filling}京都。{filling}去京都看红叶，住三天。{filling}红叶。"
    shown = snippets.passage(text, fold(text) or "", parse("红叶 京都"))
    assert "去<mark>京都</mark>看<mark>红叶</mark>，住" in shown
    assert (shown[0], shown[-1]) == ("…", "…")
    assert len(re.sub("<[^>]*>", "", shown)) < 200


def test_a_passage_of_a_very_long_text_is_near() -> None:
    text = "ﬃ１２ ＡＢＣ\n" * 20_000 + "末尾的茶" + "。" * 5000
    assert "末尾的<mark>茶</mark>" in snippets.passage(text, fold(text) or "", parse("茶"))
