"""Sharing."""

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Sharing 分享")


@part.step("a conversation has a page that is read without this API")
def share(api: Api, made: Json) -> None:
    offline.start(api, made, "给大家看")
    offline.say(api, made, "你好")
    made["shared"] = api.data("POST", f"/chat/conversations/{made['chat']}/share", {"days": 7})
    assert "好的，我在。" in api.download(made["shared"]["path"]).decode()
    assert made["shared"] in api.data("GET", "/chat/shares")["shares"]


@part.step("it shows what there was, until it is taken anew")
def later(api: Api, made: Json) -> None:
    offline.say(api, made, "后来的话")
    assert "后来的话" not in api.download(made["shared"]["path"]).decode()
    path = f"/chat/conversations/{made['chat']}/share"
    assert api.data("POST", path, {})["path"] == made["shared"]["path"]
    assert "后来的话" in api.download(made["shared"]["path"]).decode()
    assert api.data("GET", path)["expires_at"] is None


@part.step("and is gone once it is no longer shared")
def revoke(api: Api, made: Json) -> None:
    api.data("DELETE", f"/chat/conversations/{made['chat']}/share")
    assert made["chat"] not in [each["chat_id"] for each in api.data("GET", "/chat/shares")["shares"]]
    offline.delete(api, made)
