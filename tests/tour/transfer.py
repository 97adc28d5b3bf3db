"""Export and import."""

import json

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.offline import QUICK
from tests.tour.steps import Part

part = Part("Export and import 导出与导入")


@part.step("export a conversation with all its versions")
def export(api: Api, made: Json) -> None:
    offline.start(api, made, "导出")
    reply = offline.say(api, made, "你好")["reply"]["uuid"]
    again = {"chat_id": made["chat"], "message_id": reply, "config": QUICK}
    api.data("POST", "/chat/messages/regenerate", again)
    status, archive = api.call("POST", "/chat/export", {"chat_id": made["chat"], "format": "json"})
    assert (status, archive["format"]) == (200, "duihua")
    assert archive["conversation"]["uuid"] == made["chat"]
    assert len(archive["messages"]) == 3 > len(offline.shown(api, made)), "also what is not shown"
    made["archive"] = json.dumps(archive).encode()


@part.step("import what was exported: it is there already, and the answer says so")
def import_again(api: Api, made: Json) -> None:
    report = api.upload("/chat/import", "a.json", made["archive"])
    assert (report["imported"], report["skipped"], report["failed"]) == (0, 1, 0)
    assert report["errors"][0]["error"] == "already_imported"


@part.step("delete it")
def clean_up(api: Api, made: Json) -> None:
    offline.delete(api, made)
