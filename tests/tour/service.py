"""The service itself: its health, its description, its errors."""

import uuid

from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("The service 服务")


@part.step("the server is healthy, ready, and describes itself")
def health(api: Api, made: Json) -> None:
    assert api.data("GET", "/health")["status"] == "ok"
    assert api.data("GET", "/ready")["status"] == "ok"
    assert b"duihua_http_requests_total{" in api.download("/metrics")
    _, document = api.call("GET", "/openapi.json")
    assert "/chat/messages/stream" in document["paths"]


@part.step("errors say what happened, in Chinese or English, and carry a stable name")
def errors(api: Api, made: Json) -> None:
    path = f"/chat/conversations/{uuid.uuid4()}"
    status, answer = api.call("GET", path)
    assert (status, answer["code"], answer["error"]) == (404, 404, "conversation_not_found")
    assert answer["message"] == answer["msg"] == "对话不存在"
    _, english = api.call("GET", path, Accept_Language="en")
    assert english["message"] == "Conversation not found"
    status, answer = api.call("PUT", path, {"title": 1})
    assert (status, answer["detail"][0]["loc"]) == (422, ["body", "title"])


@part.step("parameters are spelled either way; both at once must agree")
def spellings(api: Api, made: Json) -> None:
    without = [api.data("GET", f"/chat/groups?{name}=false") for name in ("includeChats", "include_chats")]
    assert without[0] == without[1]
    status, _ = api.call("GET", "/chat/groups?includeChats=false&include_chats=true")
    assert status == 422


@part.step("/api/chat is the same as /chat")
def prefix(api: Api, made: Json) -> None:
    assert api.data("GET", "/api/chat/settings") == api.data("GET", "/chat/settings")


@part.step("retry with the same Idempotency-Key: the first answer, no second effect")
def retry(api: Api, made: Json) -> None:
    key, body = uuid.uuid4().hex, {"title": "只有一个"}
    first = api.data("POST", "/chat/conversations", body, Idempotency_Key=key)
    assert api.data("POST", "/chat/conversations", body, Idempotency_Key=key) == first
    status, answer = api.call("POST", "/chat/conversations", {"title": "另一个"}, Idempotency_Key=key)
    assert (status, answer["error"]) == (409, "idempotency_key_reused")
    api.data("DELETE", f"/chat/conversations/{first['uuid']}")
