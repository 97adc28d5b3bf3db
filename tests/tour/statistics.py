"""Statistics."""

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Statistics 统计")


@part.step("count what was said, by the days of a time zone")
def count(api: Api, made: Json) -> None:
    offline.start(api, made, "统计")
    offline.say(api, made, "你好")
    counted = api.data("GET", "/chat/statistics?timeRange=week&tz=Asia/Kathmandu")
    assert counted["overview"]["message_count"] >= 2
    assert len(counted["trend"]) == 7
    assert sum(day["messages"] for day in counted["trend"]) == counted["overview"]["message_count"]


@part.step("delete the conversation")
def clean_up(api: Api, made: Json) -> None:
    offline.delete(api, made)
