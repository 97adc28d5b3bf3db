"""Live changes, for a second device."""

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Live changes 实时变化")


@part.step("what one device changes, another hears at once")
def hear(api: Api, made: Json) -> None:
    with api.stream("GET", "/chat/events") as stream:
        events = iter(stream)
        assert next(events).data["type"] == "start"
        offline.start(api, made, "实时")
        first = next(events)
        made["seen"] = first.id
        assert made["chat"] in str(first.data)


@part.step("and who was away hears it later: after Last-Event-ID")
def catch_up(api: Api, made: Json) -> None:
    offline.delete(api, made)
    with api.stream("GET", "/chat/events", Last_Event_ID=str(made["seen"])) as stream:
        events = iter(stream)
        assert next(events).data["type"] == "start"
        later = next(events)
        assert later.id > made["seen"]
        assert made["chat"] in str(later.data)
