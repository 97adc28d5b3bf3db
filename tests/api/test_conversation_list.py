"""`/chat/conversations/list`: filters, order, pages and cursors."""

import itertools
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from duihua.db.session import Session
from duihua.search_index import repository
from tests.fixtures.client import Client
from tests.fixtures.rows import MOMENT, add_all, conversation, default_group_id

LIST = "/chat/conversations/list"


async def page(client: Client, **query: Any) -> dict[str, Any]:
    return (await client.get(f"{LIST}?{urlencode(query)}")).data


async def titles(client: Client, **query: Any) -> list[str]:
    return [chat["title"] for chat in (await page(client, **query))["list"]]


async def store(client: Client, chats: Sequence[dict[str, Any]]) -> None:
    def work(session: Session) -> None:
        group = default_group_id(session)
        rows = [conversation(**({"group_id": group} | fields)) for fields in chats]
        add_all(session, rows)
        session.flush()
        repository.refresh_conversations(session, [row.id for row in rows])

    await client.app.state.database.write(work)


async def test_an_empty_list(client: Client) -> None:
    empty = {"list": [], "total": 0, "pageNum": 1, "pageSize": 20, "next_cursor": None}
    assert await page(client) == empty
    assert await page(client, pageNum=7, pageSize=100) == empty | {"pageNum": 7, "pageSize": 100}


async def test_newest_activity_first_and_pinned_before_all(client: Client) -> None:
    old, middle, new = [await client.conversation(title=title) for title in ("old", "middle", "new")]
    assert await titles(client) == ["new", "middle", "old"]
    await client.say(old["uuid"])
    assert await titles(client) == ["old", "new", "middle"]
    await client.put(f"/chat/conversations/{middle['uuid']}", {"pinned": True})
    assert await titles(client) == ["middle", "old", "new"]
    assert (await page(client))["list"][2] == new


async def test_twenty_to_a_page(client: Client) -> None:
    await store(client, [{"title": f"{n:02}"} for n in range(25)])
    first, second = await page(client), await page(client, pageNum=2)
    assert (len(first["list"]), len(second["list"])) == (20, 5)
    assert (first["total"], second["total"], second["pageNum"], second["pageSize"]) == (25, 25, 2, 20)
    assert second["next_cursor"] is None
    assert first["next_cursor"]


async def test_pages_that_are_none(client: Client) -> None:
    for name, value in itertools.product(["pageNum", "pageSize"], ["0", "-1", "x", "1e3", "1.5", str(2**63)]):
        refusal = await client.get(f"{LIST}?{name}={value}")
        field = {"pageNum": "page_num", "pageSize": "page_size"}[name]
        assert (refusal.status, refusal.body["detail"][0]["loc"]) == (422, ["query", field]), value
    assert (await client.get(f"{LIST}?pageSize=101")).status == 422


async def test_an_empty_parameter_counts_as_absent(client: Client) -> None:
    made = await client.conversation()
    names = ["pageNum", "cursor", "keyword", "groupId", "modelId", "beginTime", "pinned", "sort", "status"]
    assert (await page(client, **dict.fromkeys(names, "")))["list"] == [made]


async def test_by_group_model_status_and_pin(client: Client) -> None:
    group = (await client.post("/chat/groups", {"name": "工作"})).data["id"]
    await client.conversation(title="plain")
    await client.conversation(title="grouped", group_id=group)
    await client.conversation(title="modelled", model_id="gpt/x y")
    for title, change in [("pinned", {"pinned": True}), ("archived", {"status": "archived"})]:
        made = await client.conversation(title=title)
        await client.put(f"/chat/conversations/{made['uuid']}", change)
    assert await titles(client, groupId=group) == ["grouped"]
    assert await titles(client, modelId="gpt/x y") == ["modelled"]
    assert await titles(client, pinned="true") == ["pinned"]
    assert "pinned" not in await titles(client, pinned="false")
    assert await titles(client, status="archived") == ["archived"]
    assert "archived" not in await titles(client, status="active")
    assert sorted(await titles(client)) == sorted(await titles(client, status="active"))
    assert len(await titles(client, status="all")) == 5
    assert await titles(client, groupId=group, modelId="gpt/x y") == []
    assert await titles(client, groupId=999) == []


async def test_the_total_is_of_what_is_asked_for(client: Client) -> None:
    await store(client, [{"title": "a", "pinned": n % 3 == 0} for n in range(10)])
    assert (await page(client, pinned="true", pageSize=1))["total"] == 4
    assert (await page(client, pinned="false", pageSize=1))["total"] == 6


async def test_a_keyword_is_looked_for_in_title_description_and_messages(client: Client) -> None:
    await client.conversation(title="其他")
    await client.conversation(title="去京都旅行")
    await client.conversation(title="B", description="京都旅行计划")
    said = await client.conversation(title="C")
    await client.say(said["uuid"], "我想去京都旅行")
    assert sorted(await titles(client, keyword="京都旅")) == ["B", "C", "去京都旅行"]
    assert (await page(client, keyword="京都旅", pageSize=2))["total"] == 3
    question = (await client.messages(said["uuid"]))[0]
    await client.delete(f"/chat/messages/{question['uuid']}")
    assert sorted(await titles(client, keyword="京都旅")) == ["B", "去京都旅行"]


KEYWORDS = [
    *(("Hello World", wanted) for wanted in ("hello", "HELLO", "llo Wor", '"lo Wo"', "ｈｅｌｌｏ")),
    *(("ＦＵＬＬ ｗｉｄｔｈ", wanted) for wanted in ("full", "ＷＩＤＴＨ", "ｆｕｌｌ")),
    *(("Straße", wanted) for wanted in ("straße", "STRASSE", "strasse")),
    *(("Ὀδυσσεύς", wanted) for wanted in ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ")),
    *(("ﬁnal ①", wanted) for wanted in ("final", "FINAL 1")),
    *(("Café", wanted) for wanted in ("CAFÉ", "Cafe\u0301")),
    *(("100% _x_ \\ 'quote' \"q\"", wanted) for wanted in ("0% _", "\\", "'q", '"q')),
    ("ﾊﾝｶｸ", "ハンカク"),
]


async def test_case_and_width_of_a_keyword_do_not_matter(client: Client) -> None:
    await store(client, [{"title": stored} for stored in dict(KEYWORDS)])
    for stored, keyword in KEYWORDS:
        assert await titles(client, keyword=keyword) == [stored], keyword


async def test_wildcards_are_only_characters(client: Client) -> None:
    await client.conversation(title="abc")
    for keyword in ("%", "_", "a%c", "*", "a.c", "\\"):
        assert await titles(client, keyword=keyword) == []


TIMES: list[tuple[dict[str, str], str]] = [
    ({"beginTime": "2026-01-31"}, "morning noon evening after"),
    ({"endTime": "2026-01-31"}, "before morning noon evening"),
    ({"beginTime": "2026-01-31", "endTime": "2026-01-31"}, "morning noon evening"),
    ({"beginTime": "2026-01-31 12:00:00"}, "noon evening after"),
    ({"endTime": "2026-01-31 12:00:00"}, "before morning noon"),
    ({"beginTime": "2026-01-31T20:00:00+08:00", "endTime": "2026-01-31T12:00:00Z"}, "noon"),
    ({"beginTime": "2026-01-31T12:00:00.000001"}, "evening after"),
    ({"beginTime": "1769860800", "endTime": "1769860800000"}, "noon"),
    ({"beginTime": "1769860800.5"}, "evening after"),
    ({"beginTime": "1900-01-01", "endTime": "9998-12-31"}, "before morning noon evening after"),
]


async def test_times_in_every_form(client: Client) -> None:
    day = datetime.fromisoformat("2026-01-31T00:00:00+00:00")
    last = timedelta(days=1, microseconds=-1)
    moments = {"before": timedelta(microseconds=-1), "morning": timedelta(), "noon": timedelta(hours=12)}
    moments |= {"evening": last, "after": timedelta(days=1)}
    await store(client, [{"title": name, "updated_at": day + moment} for name, moment in moments.items()])
    for bounds, found in TIMES:
        assert await titles(client, **bounds) == found.split()[::-1], bounds


NO_TIMES = [
    *("yesterday", "2026-13-01", "2026-02-30", "0000-00-00", "9999-12-31", "1899-12-31", "10000-01-01"),
    *("2026-01-31T25:00:00", "2026-01-31T08:00:00+99:99", "infinity", "nan", "1e20", "9" * 17, "-1e5"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "-99999999999", "2026-01-31Tx", "[]"),
]


async def test_times_that_are_none(client: Client) -> None:
    for time, name in itertools.product(NO_TIMES, ("beginTime", "endTime")):
        refusal = await client.get(f"{LIST}?{urlencode({name: time})}")
        assert refusal.status == 422, time
        assert refusal.body["detail"][0]["loc"][0] == "query"


async def test_a_range_that_runs_backwards_is_refused(client: Client) -> None:
    refusal = await client.get(f"{LIST}?beginTime=2026-02-01&endTime=2026-01-31")
    assert refusal.error == "invalid_input"


Key = Callable[[dict[str, Any]], Any]
ORDERS: dict[str, tuple[Key, bool]] = {
    "updated": (lambda chat: (chat["pinned"], chat["updated_at"], chat["id"]), True),
    "created": (lambda chat: (chat["pinned"], chat["created_at"], chat["id"]), True),
    "title": (lambda chat: (not chat["pinned"], chat["title"].encode(), chat["id"]), False),
}


def many(seed: int, count: int) -> list[dict[str, Any]]:
    """Conversations with many ties: the same moments, titles and pins again and again."""
    chance = random.Random(seed)
    return [
        {
            "title": chance.choice(["a", "B", "á", "字", "𠮷", "Z", "~", "ﬀ"]) * chance.randint(1, 2),
            "pinned": chance.random() < 0.3,
            "created_at": MOMENT + timedelta(microseconds=chance.randint(0, 5)),
            "updated_at": MOMENT + timedelta(seconds=chance.randint(0, 5)),
        }
        for _ in range(count)
    ]


async def follow(client: Client, **query: Any) -> list[dict[str, Any]]:
    """All pages, by cursor."""
    found, cursor = [], None
    for _ in itertools.count():
        data = await page(client, **query | ({} if cursor is None else {"cursor": cursor}))
        found += data["list"]
        if (cursor := data["next_cursor"]) is None:
            return found
        assert len(data["list"]) == query["pageSize"]
    raise AssertionError("unreachable")


@pytest.mark.parametrize("sort", ORDERS)
async def test_cursors_and_pages_partition_the_list(client: Client, sort: str) -> None:
    await store(client, many(seed=1, count=61))
    key, descending = ORDERS[sort]
    whole = await follow(client, sort=sort, pageSize=100)
    assert len({chat["id"] for chat in whole}) == 61
    assert whole == sorted(whole, key=key, reverse=descending)
    for size in (1, 7, 60, 61):
        assert await follow(client, sort=sort, pageSize=size) == whole
        pages = [(await page(client, sort=sort, pageSize=size, pageNum=n + 1))["list"] for n in range(9)]
        assert list(itertools.chain(*pages)) == whole[: 9 * size]


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("seed", [2, 3])
async def test_cursors_miss_nothing_while_rows_come_and_go(client: Client, sort: str, seed: int) -> None:
    chance = random.Random(seed)
    await store(client, many(seed, count=40))
    before = await follow(client, sort=sort, pageSize=100)
    doomed = chance.sample(before, 8)
    seen, cursor = [], None
    for number in itertools.count():
        query = {"sort": sort, "pageSize": 3} | ({} if cursor is None else {"cursor": cursor})
        data = await page(client, **query)
        seen += data["list"]
        if (cursor := data["next_cursor"]) is None:
            break
        await store(client, many(seed * 1000 + number, count=2))
        if doomed:
            await client.delete(f"/chat/conversations/{doomed.pop()['uuid']}")
    assert len({chat["id"] for chat in seen}) == len(seen)
    left = {chat["id"] for chat in await follow(client, sort=sort, pageSize=100, status="all")}
    assert {chat["id"] for chat in before} & left <= {chat["id"] for chat in seen}


async def test_a_cursor_keeps_its_filters_apart(client: Client) -> None:
    await store(client, [{"title": f"{n}", "pinned": n % 2 == 0} for n in range(10)])
    first = await page(client, pinned="false", pageSize=3)
    rest = await page(client, pinned="false", pageSize=3, cursor=first["next_cursor"])
    assert [chat["title"] for chat in [*first["list"], *rest["list"]]] == ["9", "7", "5", "3", "1"]
    assert (rest["total"], rest["next_cursor"]) == (5, None)


async def test_a_cursor_of_another_order_is_refused(client: Client) -> None:
    await store(client, many(seed=4, count=3))
    cursors = {sort: (await page(client, sort=sort, pageSize=1))["next_cursor"] for sort in ORDERS}
    for sort, (other, cursor) in itertools.product(ORDERS, cursors.items()):
        answer = await client.get(f"{LIST}?{urlencode({'sort': sort, 'cursor': cursor})}")
        assert answer.status == (200 if sort == other else 422)
        if sort != other:
            assert answer.body["detail"][0]["loc"] == ["query", "cursor"]
