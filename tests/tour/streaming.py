"""Streams: following a reply, joining it again, stopping it."""

from tests.tour import offline
from tests.tour.client import Api, Event, Json
from tests.tour.offline import QUICK, SLOW, shown
from tests.tour.steps import Part

part = Part("Streams 流式回复")


@part.step("stream a reply: the chunks are exactly the stored text")
def stream(api: Api, made: Json) -> None:
    offline.start(api, made, "流式")
    body = {"chat_id": made["chat"], "content": "讲一点。"}
    with api.stream("POST", "/chat/messages/stream", body) as streaming:
        events = list(streaming)
        made["task"] = streaming.task_id
    made["events"] = events
    kinds = [event.data["type"] for event in events]
    assert kinds[:2] == ["user_message", "assistant_start"]
    assert kinds[-1] == "complete"
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    text = "".join(event.data["content"] for event in events if event.data["type"] == "chunk")
    assert text == events[-1].data["content"] == shown(api, made)[-1]["content"]


@part.step("join that stream again after event 3: nothing lost, nothing repeated")
def resume(api: Api, made: Json) -> None:
    path = f"/chat/messages/stream/{made['task']}"
    with api.stream("GET", path, Last_Event_ID="3") as joined:
        assert list(joined) == made["events"][3:]


@part.step("a new conversation titles itself with its first reply; any text is given a title on request")
def title(api: Api, made: Json) -> None:
    chat = api.data("POST", "/chat/conversations", {})["uuid"]
    body = {"chat_id": chat, "content": "量子纠缠是什么？", "config": QUICK}
    with api.stream("POST", "/chat/messages/stream", body) as streaming:
        told = [event.data["title"] for event in streaming if event.data["type"] == "title"]
    assert told == [api.data("GET", f"/chat/conversations/{chat}")["title"]] != ["新对话"]
    wanted = {"content": "## 量子纠缠是什么？\n\n请举例说明。", "maxLength": 20}
    assert api.data("POST", "/chat/utils/generate-title", wanted)["title"]
    api.data("DELETE", f"/chat/conversations/{chat}")


@part.step("stop a reply half way: what was generated is kept")
def cancel(api: Api, made: Json) -> None:
    body = {"chat_id": made["chat"], "content": "数到两千。", "config": SLOW}
    seen: list[Event] = []
    cancelled: Json = {}
    with api.stream("POST", "/chat/messages/stream", body) as streaming:
        for event in streaming:
            seen.append(event)
            if len(seen) == 5:
                cancelled = api.data("POST", f"/chat/messages/stream/cancel?task_id={streaming.task_id}")
    assert cancelled["state"] in {"cancelled", "complete"}
    assert seen[-1].data["type"] in {"cancelled", "complete"}
    assert shown(api, made)[-1]["content"] == seen[-1].data["content"] != ""
    again = api.data("POST", "/chat/messages/stream/cancel", {"task_id": streaming.task_id})
    assert again["state"] == cancelled["state"]


@part.step("go on with the reply that was stopped: another version, which begins with its text")
def go_on(api: Api, made: Json) -> None:
    stopped = shown(api, made)[-1]
    body = {"chat_id": made["chat"], "message_id": stopped["uuid"], "config": QUICK, "continue_reply": True}
    reply = api.data("POST", "/chat/messages/regenerate", body)["reply"]
    assert reply["content"].startswith(stopped["content"])
    assert reply["version"]["count"] == 2


@part.step("stop everything that is being generated")
def terminate(api: Api, made: Json) -> None:
    body = {"chat_id": made["chat"], "content": "再数到两千。", "config": SLOW}
    with api.stream("POST", "/chat/messages/stream", body) as streaming:
        last = ""
        for event in streaming:
            last = event.data["type"]
            if event.id == 4:
                assert api.data("POST", "/chat/terminate")["cancelled_count"] > 0
    assert last == "cancelled"


@part.step("delete the conversation")
def clean_up(api: Api, made: Json) -> None:
    offline.delete(api, made)
