"""Model connections."""

from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Model connections 模型连接")


@part.step("store a model connection: its key is never shown again")
def store(api: Api, made: Json) -> None:
    wanted = {"api_key": "sk-tour-0123456789abcd", "modelUrl": "http://127.0.0.1:9", "status": "inactive"}
    stored = api.data("POST", "/chat/api-keys", wanted)
    made["id"] = stored["id"]
    assert stored["api_key"] == "sk-…abcd"


@part.step("test it: nobody answers there")
def test(api: Api, made: Json) -> None:
    tested = api.data("POST", "/chat/api-keys/test", {"id": made["id"], "model_name": "m"})
    assert (tested["success"], tested["reply"]) == (False, None)
    assert made["id"] not in [model["api_key_id"] for model in api.data("GET", "/chat/models/available")]


@part.step("delete it")
def clean_up(api: Api, made: Json) -> None:
    api.data("DELETE", f"/chat/api-keys/{made['id']}")
