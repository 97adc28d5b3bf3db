"""`/chat/prompts`: texts with variables."""

from typing import Any

import pytest

from duihua.db.session import Session
from duihua.models import Prompt
from duihua.models.user import LOCAL_USER_ID
from tests.fixtures.client import Client
from tests.fixtures.rows import MOMENT
from tests.fixtures.upstream import Upstream, reply
from tests.fixtures.upstream import answer as answering

FIELDS = {
    *("id", "title", "category", "content", "placeholders", "description", "tags", "is_public"),
    *("variables", "config", "sort", "created_at", "updated_at"),
}


async def new_prompt(client: Client, title: str = "翻译", **fields: Any) -> dict[str, Any]:
    body = {"title": title, "content": "你是{{role}}。"} | fields
    return (await client.post("/chat/prompts", body)).data


async def listed(client: Client, query: str = "") -> list[str]:
    data = (await client.get(f"/chat/prompts/list{query}")).data
    return [prompt["title"] for prompt in data["items"]]


async def test_a_new_prompt_has_what_it_was_given(client: Client) -> None:
    wanted = {
        "title": "翻译",
        "category": "role",
        "content": "你是{{ role }}，译成{{语言}}；再说一遍：{{role}}。",
        "description": "日常",
        "tags": ["写作", "翻译"],
        "is_public": True,
        "variables": {"role": "译者", "语言": {"default": "英语", "label": "目标语言"}},
        "config": {"temperature": 0.3},
        "sort": 3,
    }
    made = (await client.post("/chat/prompts", wanted)).data
    assert made.keys() == FIELDS
    assert made | wanted == made
    assert made["placeholders"] == ["role", "语言"]
    assert (await client.get(f"/chat/prompts/{made['id']}")).data == made
    assert (await client.get("/chat/prompts/list")).data["items"] == [made]


async def test_a_new_prompt_needs_only_title_and_content(client: Client) -> None:
    made = await new_prompt(client)
    assert (made["category"], made["tags"], made["variables"], made["config"]) == ("other", [], {}, {})
    assert (made["description"], made["is_public"], made["sort"]) == (None, False, 0)
    for body in ({"title": "a"}, {"content": "a"}):
        assert (await client.post("/chat/prompts", body)).status == 422


async def test_tags_are_tidied(client: Client) -> None:
    made = await new_prompt(client, tags=[" 写作 ", "写作", "", "代码"])
    assert made["tags"] == ["写作", "代码"]


async def test_a_retried_creation_makes_one_prompt(client: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"title": "a", "content": "b"}
    first, again = [await client.post("/chat/prompts", body, headers=headers) for _ in range(2)]
    assert first.data == again.data
    assert await listed(client) == ["a"]


async def test_a_change_leaves_what_it_does_not_name(client: Client) -> None:
    made = await new_prompt(client, description="旧", tags=["a"], sort=2, variables={"role": "译者"})
    changed = (await client.put("/chat/prompts", {"id": made["id"], "content": "新"})).data
    assert changed == made | {"content": "新", "placeholders": [], "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]


async def test_null_clears(client: Client) -> None:
    made = await new_prompt(client, description="旧", tags=["a"], sort=2, variables={"a": 1}, config={"a": 1})
    cleared = {"description": None, "tags": None, "sort": None, "variables": None, "config": None}
    changed = (await client.put("/chat/prompts", {"id": str(made["id"])} | cleared)).data
    assert (changed["description"], changed["tags"], changed["sort"]) == (None, [], 0)
    assert (changed["variables"], changed["config"]) == ({}, {})
    for name in ("title", "content"):
        assert (await client.put("/chat/prompts", {"id": made["id"], name: None})).status == 422
    assert (await client.put("/chat/prompts", {"title": "a"})).status == 422


async def test_a_deleted_prompt_is_gone(client: Client) -> None:
    made = await new_prompt(client, tags=["a"])
    path = f"/chat/prompts/{made['id']}"
    assert (await client.delete(path)).data is None
    assert (await client.get("/chat/prompts/list")).data["total"] == 0
    assert (await client.get("/chat/prompts/tags")).data == []
    for answer in (
        await client.get(path),
        await client.delete(path),
        await client.post(f"{path}/copy"),
        await client.put("/chat/prompts", {"id": made["id"], "title": "a"}),
        await client.post("/chat/conversations", {"prompt_id": made["id"]}),
    ):
        assert answer.error == "prompt_not_found"


async def test_a_batch_says_what_was_missing(client: Client) -> None:
    one, two, three = [(await new_prompt(client))["id"] for _ in range(3)]
    await client.delete(f"/chat/prompts/{two}")
    answer = await client.delete("/chat/prompts/batch", {"ids": [one, str(three), two, 10**12, one, 10**12]})
    assert answer.data == {"deleted": 2, "missing": [two, 10**12]}
    assert (await client.delete("/chat/prompts/batch", {"ids": []})).data == {"deleted": 0, "missing": []}


async def test_a_copy_says_that_it_is_one(client: Client) -> None:
    made = await new_prompt(client, "长" * 255, tags=["a"], variables={"a": 1}, is_public=True)
    copied = (await client.post(f"/chat/prompts/{made['id']}/copy")).data
    assert copied["title"] == "长" * 251 + "（副本）"
    differing = {"id", "title", "is_public", "created_at", "updated_at"}
    assert {key: copied[key] for key in FIELDS - differing} == {key: made[key] for key in FIELDS - differing}
    english = await client.post(f"/chat/prompts/{made['id']}/copy", headers={"Accept-Language": "en"})
    assert english.data["title"] == "长" * 248 + " (copy)"
    assert (await client.get("/chat/prompts/list")).data["total"] == 3


async def test_prompts_come_by_sort_and_newest_first(client: Client) -> None:
    for title, sort in [("c", 1), ("a", 5), ("b", 1), ("z", -1)]:
        await new_prompt(client, title, sort=sort)
    assert await listed(client) == ["z", "b", "c", "a"]


async def test_pages_by_number_and_by_cursor_are_the_same(client: Client) -> None:
    for number in range(7):
        await new_prompt(client, str(number), sort=number % 2)
    everything = await listed(client)
    cursor, by_cursor, by_number = "", [], []
    for page_num in range(1, 5):
        by_number += await listed(client, f"?pageSize=2&pageNum={page_num}")
        data = (await client.get(f"/chat/prompts/list?pageSize=2&cursor={cursor}")).data
        by_cursor += [prompt["title"] for prompt in data["items"]]
        cursor = data["next_cursor"]
        assert (data["total"], data["pageSize"]) == (7, 2)
    assert cursor is None
    assert by_number == by_cursor == everything
    assert (await client.get("/chat/prompts/list?cursor=x")).status == 422


async def test_filters(client: Client) -> None:
    await new_prompt(client, "翻译 Straße", category="role", tags=["写作", "a,b"])
    await new_prompt(client, "审查", category="code", tags=["代码", "写作"], content="找出 100% 的错误")
    await new_prompt(client, "诗", description="写诗的人")
    for query, found in {
        "?keyword=STRASSE": ["翻译 Straße"],
        "?keyword=100%25": ["审查"],
        "?keyword=写诗": ["诗"],
        "?keyword=％": ["审查"],
        "?category=code": ["审查"],
        "?category=system": [],
        "?tags=写作": ["审查", "翻译 Straße"],
        "?tags=写作，代码": ["审查"],
        "?tags=写": [],
        "?beginTime=2999-01-01": [],
        "?endTime=2999-01-01": ["诗", "审查", "翻译 Straße"],
        "?tags=写作&keyword=审&category=code&pageSize=1": ["审查"],
    }.items():
        assert await listed(client, query) == found, query
    wrong = await client.get("/chat/prompts/list?beginTime=2026-02-01&endTime=2026-01-01")
    assert wrong.status == 422


async def test_categories_and_tags(client: Client) -> None:
    assert (await client.get("/chat/prompts/categories")).data == [
        *("system", "role", "creative", "code", "other")
    ]
    for tags in (["b", "a"], ["a"], ["c"]):
        await new_prompt(client, tags=tags)
    assert (await client.get("/chat/prompts/tags")).data == ["a", "b", "c"]


@pytest.mark.parametrize("odd", ["文", 7, True, [1, None, "a"], {"a": [1]}, [{"name": 1}, {"name": "role"}]])
async def test_what_an_older_row_holds_is_read_as_far_as_it_makes_sense(client: Client, odd: Any) -> None:
    def add(session: Session) -> int:
        moments = {"created_at": MOMENT, "updated_at": MOMENT}
        row = Prompt(user_id=LOCAL_USER_ID, title="旧", content="你是{{role}}。", category="什么", **moments)
        row.tags = row.variables = row.config = odd
        session.add(row)
        session.flush()
        return row.id

    made = await client.app.state.database.write(add)
    shown = (await client.get(f"/chat/prompts/{made}")).data
    assert shown["variables"] == odd
    assert shown["tags"] == (["a"] if odd == [1, None, "a"] else [])
    assert (await client.get("/chat/prompts/list?tags=a")).data["total"] == (odd == [1, None, "a"])
    assert (await client.get("/chat/prompts/tags")).data == shown["tags"]
    chat = await client.conversation(prompt_id=made)
    assert (await client.say(chat["uuid"]))["reply"]["state"] == "complete"
    changed = (await client.put("/chat/prompts", {"id": made, "sort": 1})).data
    assert changed["variables"] == odd


async def test_a_text_is_tried_out_before_it_is_stored(client: Client) -> None:
    refusal = answering(401, {"error": {"message": "no"}})
    async with Upstream(reply("Good ", "morning."), refusal) as up:
        connection = {"model_url": up.url, "api_key": "sk-0123456789abcdef", "model_name": "m"}
        await client.post("/chat/api-keys", connection)
        wanted = {"content": "译成{{language}}，{{tone}}", "variables": {"language": "英语"}, "modelId": "m"}
        tried = (await client.post("/chat/prompts/test", wanted | {"testInput": "早上好"})).data
        assert (tried["success"], tried["result"], tried["model_id"]) == (True, "Good morning.", "m")
        assert (tried["content"], tried["missing"]) == ("译成英语，{{tone}}", ["tone"])
        asked = [call.json()["messages"] for call in up.calls if call.method == "POST"]
        told = [{"role": "system", "content": "译成英语，{{tone}}"}, {"role": "user", "content": "早上好"}]
        assert asked == [told]
        failed = (await client.post("/chat/prompts/test", wanted)).data
        assert (failed["success"], failed["result"]) == (False, None)
        assert failed["error"] == "provider_unauthorized"
    assert (await client.get("/chat/prompts/list")).data["total"] == 0
