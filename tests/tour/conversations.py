"""Groups and the conversations in them."""

import urllib.parse
import uuid

from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Groups and conversations 分组与对话")


@part.step("create a group, and change its colour")
def create_group(api: Api, made: Json) -> None:
    group = api.data("POST", "/chat/groups", {"name": "学习", "color": "#409EFF"})
    made["group"] = group["id"]
    changed = api.data("PUT", f"/chat/groups/{group['id']}", {"color": "#67C23A"})
    assert (changed["name"], changed["color"]) == ("学习", "#67C23A")


@part.step("create a conversation in it")
def create(api: Api, made: Json) -> None:
    chat = api.data("POST", "/chat/conversations", {"title": "读书笔记", "groupId": made["group"]})
    made["chat"] = chat["uuid"]
    assert (chat["group_id"], chat["message_count"]) == (made["group"], 0)


@part.step("find it in the list, in its group, and by keyword")
def find(api: Api, made: Json) -> None:
    query = urllib.parse.urlencode({"groupId": made["group"], "keyword": "读书"})
    page = api.data("GET", f"/chat/conversations/list?{query}")
    assert [chat["uuid"] for chat in page["list"]] == [made["chat"]]
    groups = {group["id"]: group for group in api.data("GET", "/chat/groups")}
    assert groups[made["group"]]["conversations"][0]["uuid"] == made["chat"]


@part.step("change it: what is not named stays, null clears")
def change(api: Api, made: Json) -> None:
    path = f"/chat/conversations/{made['chat']}"
    changed = api.data("PUT", path, {"description": "三体", "pinned": True, "status": "archived"})
    assert (changed["title"], changed["description"]) == ("读书笔记", "三体")
    assert (changed["pinned"], changed["status"]) == (True, "archived")
    back = api.data("PUT", path, {"description": None, "pinned": False, "status": "active"})
    assert (back["title"], back["description"]) == ("读书笔记", None)


@part.step("page through a list with a cursor")
def pages(api: Api, made: Json) -> None:
    wanted = {"title": "第二个", "groupId": made["group"]}
    made["second"] = api.data("POST", "/chat/conversations", wanted)["uuid"]
    path = f"/chat/conversations/list?groupId={made['group']}&pageSize=1"
    first = api.data("GET", path)
    assert (first["total"], first["pageNum"], first["pageSize"]) == (2, 1, 1)
    rest = api.data("GET", f"{path}&cursor={urllib.parse.quote(first['next_cursor'])}")
    assert [chat["uuid"] for chat in first["list"] + rest["list"]] == [made["second"], made["chat"]]
    assert rest["next_cursor"] is None


@part.step("move one, and several at once: a report says which are missing")
def move(api: Api, made: Json) -> None:
    default = next(group["id"] for group in api.data("GET", "/chat/groups") if group["is_default"])
    moved = api.data("PUT", f"/chat/conversations/{made['chat']}/move", {"group_id": default})
    assert moved["group_id"] == default
    unknown = str(uuid.uuid4())
    wanted = {"chat_ids": [made["chat"], unknown], "target_group_id": made["group"]}
    report = api.data("PUT", "/chat/conversations/batch/move", wanted)
    assert report == {"moved": 1, "missing": [unknown]}


@part.step("archive several at once, and take them back")
def shelve(api: Api, made: Json) -> None:
    unknown = str(uuid.uuid4())
    for status in ("archived", "active"):
        wanted = {"chat_ids": [made["chat"], unknown], "status": status}
        report = api.data("PUT", "/chat/conversations/batch/status", wanted)
        assert report == {"updated": 1, "missing": [unknown]}
        assert api.data("GET", f"/chat/conversations/{made['chat']}")["status"] == status


@part.step("delete the conversations and the group")
def clean_up(api: Api, made: Json) -> None:
    api.data("DELETE", f"/chat/conversations/{made['chat']}")
    status, _ = api.call("GET", f"/chat/conversations/{made['chat']}")
    assert status == 404
    report = api.data("DELETE", "/chat/conversations/batch", {"ids": [made["chat"], made["second"]]})
    assert report == {"deleted": 1, "missing": [made["chat"]]}
    api.data("DELETE", f"/chat/groups/{made['group']}?deleteChats=true")
    assert made["group"] not in [group["id"] for group in api.data("GET", "/chat/groups")]
