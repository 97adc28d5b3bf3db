"""Conversations with the model that needs no connection; other providers ignore its script."""

from tests.tour.client import Api, Json

QUICK = {"offline": {"text": "好的，我在。", "rate": 0}}
SLOW = {"offline": {"tokens": 2000, "rate": 50}}


def start(api: Api, made: Json, title: str) -> None:
    """A new conversation, as `made["chat"]`."""
    made["chat"] = api.data("POST", "/chat/conversations", {"title": title})["uuid"]


def say(api: Api, made: Json, content: str, **more: object) -> Json:
    """Send a message into it and wait for the reply."""
    body = {"chat_id": made["chat"], "content": content, "config": QUICK} | more
    answer: Json = api.data("POST", "/chat/messages", body)
    return answer


def shown(api: Api, made: Json) -> list[Json]:
    """Its messages."""
    path = f"/chat/conversations/{made['chat']}/messages?pageSize=100"
    messages: list[Json] = api.data("GET", path)["list"]
    return messages


def delete(api: Api, made: Json) -> None:
    """Put it into the trash."""
    api.data("DELETE", f"/chat/conversations/{made['chat']}")
