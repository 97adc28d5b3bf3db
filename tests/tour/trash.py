"""The trash."""

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Trash 回收站")


@part.step("what is deleted lies in the trash, and comes back as it was")
def restore(api: Api, made: Json) -> None:
    offline.start(api, made, "回收站")
    path = f"/chat/conversations/{made['chat']}"
    before = api.data("GET", path)
    offline.delete(api, made)
    assert made["chat"] in [item["uuid"] for item in api.data("GET", "/chat/trash")["list"]]
    report = api.data("POST", "/chat/trash/restore", {"ids": [made["chat"]]})
    assert report == {"restored": 1, "missing": []}
    assert api.data("GET", path) == before


@part.step("or is removed for good")
def purge(api: Api, made: Json) -> None:
    offline.delete(api, made)
    assert api.data("DELETE", "/chat/trash", {"ids": [made["chat"]]}) == {"purged": 1, "missing": []}
    assert made["chat"] not in [item["uuid"] for item in api.data("GET", "/chat/trash")["list"]]
