"""Settings of the user."""

from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Settings 设置")


@part.step("change one setting: the others stay")
def change(api: Api, made: Json) -> None:
    made["before"] = before = api.data("GET", "/chat/settings")
    changed = api.data("PUT", "/chat/settings", {"defaultConfig": {"temperature": 0.5}})
    assert changed == before | {"default_config": {"temperature": 0.5}}


@part.step("new conversations take their generation settings from them")
def default_config(api: Api, made: Json) -> None:
    chat = api.data("POST", "/chat/conversations", {"config": {"max_tokens": 100}})
    assert chat["config"] == {"temperature": 0.5, "max_tokens": 100}
    api.data("DELETE", f"/chat/conversations/{chat['uuid']}")


@part.step("put them back")
def put_back(api: Api, made: Json) -> None:
    before = made["before"]
    assert api.data("PUT", "/chat/settings", {"default_config": before["default_config"]}) == before
