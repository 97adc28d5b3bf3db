"""Search."""

from urllib.parse import quote

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Search 搜索")


@part.step("find what was said, and the conversation by its title")
def find(api: Api, made: Json) -> None:
    offline.start(api, made, "去京都旅行")
    offline.say(api, made, "红叶什么时候最好看？")
    found = api.data("GET", f"/chat/search?keyword={quote('红叶')}&role=user")
    assert found["messages"][0]["chat_id"] == made["chat"]
    assert "<mark>红叶</mark>" in found["messages"][0]["snippet"]
    named = api.data("GET", f"/chat/search?keyword={quote('京都')}&type=chat")
    assert made["chat"] in [chat["uuid"] for chat in named["conversations"]]


@part.step("what is deleted is not found")
def clean_up(api: Api, made: Json) -> None:
    offline.delete(api, made)
    found = api.data("GET", f"/chat/search?keyword={quote('红叶')}&sort=newest")
    assert made["chat"] not in [hit["chat_id"] for hit in found["messages"]]
