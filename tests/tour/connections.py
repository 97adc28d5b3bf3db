"""Model connections, and the models that they offer."""

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.steps import Part
from tests.tour.upstream import MODEL, PIECES, model_server

part = Part("Model connections and models 模型连接与模型", asks_us=True)
KEY = "sk-tour-0123456789abcd"


@part.step("store a connection: its key is never shown again")
def store(api: Api, made: Json) -> None:
    wanted = {"api_key": KEY, "modelUrl": "http://127.0.0.1:9", "status": "inactive"}
    stored = api.data("POST", "/chat/api-keys", wanted)
    made["id"] = stored["id"]
    assert stored["api_key"] == "sk-…abcd"
    assert api.data("GET", f"/chat/api-keys/{stored['id']}") == stored


@part.step("change it: a masked key leaves the stored one")
def change(api: Api, made: Json) -> None:
    wanted = {"id": made["id"], "api_key": "sk-…abcd", "description": "导览"}
    changed = api.data("PUT", "/chat/api-keys", wanted)
    assert (changed["api_key"], changed["description"]) == ("sk-…abcd", "导览")
    listed = api.data("GET", "/chat/api-keys/list?status=inactive&pageSize=100")["items"]
    assert changed in listed


@part.step("test it: nobody answers there")
def refused(api: Api, made: Json) -> None:
    tested = api.data("POST", "/chat/api-keys/test", {"id": made["id"], "model_name": "m"})
    assert (tested["success"], tested["reply"]) == (False, None)
    assert made["id"] not in [model["api_key_id"] for model in api.data("GET", "/chat/models/available")]


@part.step("where a model answers: test the connection, switch it on, find its model, ask it")
def ask(api: Api, made: Json) -> None:
    with model_server() as address:
        test = {"id": made["id"], "model_url": address, "model_name": MODEL}
        assert api.data("POST", "/chat/api-keys/test", test)["reply"] == "".join(PIECES)
        api.data("PUT", "/chat/api-keys", {"id": made["id"], "model_url": address, "model_name": MODEL})
        switch = {"ids": [made["id"]], "status": "active"}
        assert api.data("PUT", "/chat/api-keys/batch/status", switch) == {"updated": 1, "missing": []}
        [model] = [m for m in api.data("GET", "/chat/models/available") if m["api_key_id"] == made["id"]]
        assert (model["model_id"], model["status"], model["unavailable"]) == (MODEL, "active", None)
        tested = api.data("POST", "/chat/models/test", {"model_id": model["id"], "test_message": "你好"})
        assert (tested["success"], tested["reply"]) == (True, "".join(PIECES))
        offline.start(api, made, "导览模型")
        reply = offline.say(api, made, "你好", model_id=model["id"], config={})["reply"]
        assert (reply["content"], reply["model_id"]) == ("".join(PIECES), model["id"])
        offline.delete(api, made)
        [used] = [row for row in api.data("GET", "/chat/api-keys/stats") if row["api_key_id"] == made["id"]]
        assert (used["requests"], used["errors"], used["completion_tokens"]) == (1, 0, 7)
        [same] = api.data("GET", f"/chat/models/stats?timeRange=day&modelId={model['id']}")
        assert same["average_first_token"] <= same["average_latency"]


@part.step("delete it, and several at once")
def clean_up(api: Api, made: Json) -> None:
    path = f"/chat/api-keys/{made['id']}"
    api.data("DELETE", path)
    assert api.call("GET", path)[0] == 404
    report = api.data("DELETE", "/chat/api-keys/batch", {"ids": [made["id"]]})
    assert report == {"deleted": 0, "missing": [made["id"]]}
