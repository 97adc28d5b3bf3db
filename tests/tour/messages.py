"""Messages: sending, versions, editing, deleting."""

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.offline import QUICK, shown
from tests.tour.steps import Part

part = Part("Messages 消息")


@part.step("send a message and wait for the reply")
def send(api: Api, made: Json) -> None:
    offline.start(api, made, "消息")
    answer = offline.say(api, made, "你好，我们从哪里开始？")
    made["first"], made["reply"] = answer["message_id"], answer["reply"]
    assert answer["content"] == "你好，我们从哪里开始？"
    assert answer["reply"]["state"] == "complete"
    offline.say(api, made, "再讲一点。")


@part.step("read the conversation around one of its messages")
def around(api: Api, made: Json) -> None:
    path = f"/chat/conversations/{made['chat']}/messages"
    reply, everything = made["reply"]["uuid"], [message["uuid"] for message in shown(api, made)]
    before, near, after = [
        [message["uuid"] for message in api.data("GET", f"{path}?{where}={reply}")["list"]]
        for where in ("before", "around", "after")
    ]
    assert [*before, reply, *after] == near == everything


@part.step("regenerate a reply: a new version beside the old one")
def regenerate(api: Api, made: Json) -> None:
    body = {"chat_id": made["chat"], "message_id": made["reply"]["uuid"], "config": QUICK}
    version = api.data("POST", "/chat/messages/regenerate", body)["reply"]["version"]
    assert (version["index"], version["count"]) == (2, 2)


@part.step("go back to the first version, with all that followed it")
def activate(api: Api, made: Json) -> None:
    before = len(shown(api, made))
    old = api.data("PUT", f"/chat/messages/{made['reply']['uuid']}/activate")
    assert old["version"]["index"] == 1
    assert len(shown(api, made)) > before


@part.step("fork: a new conversation that begins as this one did")
def fork(api: Api, made: Json) -> None:
    copy = api.data("POST", f"/chat/messages/{made['reply']['uuid']}/fork")
    assert (copy["uuid"] != made["chat"], copy["message_count"]) == (True, 2)


@part.step("edit a message in place")
def edit(api: Api, made: Json) -> None:
    edited = api.data("PUT", f"/chat/messages/{made['first']}", {"content": "你好，从第一章开始。"})
    assert (edited["content"], edited["character_count"]) == ("你好，从第一章开始。", 10)


@part.step("ask it differently: the edited message is a version of its own, answered anew")
def branch(api: Api, made: Json) -> None:
    body = {"content": "你好，从第二章开始。", "branch": True, "config": QUICK}
    api.data("PUT", f"/chat/messages/{made['first']}", body)
    question, reply = shown(api, made)
    assert (question["content"], question["version"]["count"]) == (body["content"], 2)
    assert reply["role"] == "assistant"


@part.step("delete one message; the others stay in order")
def delete_message(api: Api, made: Json) -> None:
    before = [message["uuid"] for message in shown(api, made)]
    api.data("DELETE", f"/chat/messages/{before[-1]}")
    assert [message["uuid"] for message in shown(api, made)] == before[:-1]
    made["deleted"] = before[-1]


@part.step("bring it back where it stood")
def restore_message(api: Api, made: Json) -> None:
    back = api.data("PUT", f"/chat/messages/{made['deleted']}/restore")
    assert back["uuid"] == shown(api, made)[-1]["uuid"] == made["deleted"]


@part.step("clear the conversation, and delete it")
def clean_up(api: Api, made: Json) -> None:
    api.data("DELETE", f"/chat/conversations/{made['chat']}/messages")
    assert shown(api, made) == []
    offline.delete(api, made)
