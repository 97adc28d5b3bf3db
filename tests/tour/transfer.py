"""Export and import."""

import io
import json
import zipfile

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
    only = {"chat_id": made["chat"], "branches": False, "attachments": False}
    _, archive = api.call("POST", "/chat/export", only)
    assert len(archive["messages"]) == len(offline.shown(api, made)), "only what is shown"


@part.step("export several as a zip: Markdown that a person can read")
def export_many(api: Api, made: Json) -> None:
    body = {"chat_ids": [made["chat"]], "format": "markdown"}
    with zipfile.ZipFile(io.BytesIO(api.download("/chat/export/batch", "POST", body))) as archive:
        [name] = archive.namelist()
        text = archive.read(name).decode()
    assert name.endswith(".md")
    assert "# 导出" in text


@part.step("export some, as a browser does from a form")
def export_chosen(api: Api, made: Json) -> None:
    form = {"chat_ids": made["chat"], "format": "txt"}
    with zipfile.ZipFile(io.BytesIO(api.submit("/chat/export/chosen", form))) as archive:
        assert [name.endswith(".txt") for name in archive.namelist()] == [True]


@part.step("export everything, as a browser does from a link")
def export_everything(api: Api, made: Json) -> None:
    with zipfile.ZipFile(io.BytesIO(api.download("/chat/export/all?format=html"))) as archive:
        assert any(name.endswith(".html") for name in archive.namelist())


@part.step("import what was exported: it is there already, and the answer says so")
def import_again(api: Api, made: Json) -> None:
    report = api.upload("/chat/import", "a.json", made["archive"])
    assert (report["imported"], report["skipped"], report["failed"]) == (0, 1, 0)
    assert report["errors"][0]["error"] == "already_imported"


@part.step("import in the background, and follow it to its report")
def import_in_background(api: Api, made: Json) -> None:
    task = api.upload("/chat/import?async=true", "a.json", made["archive"])["task_id"]
    with api.stream("GET", f"/chat/import/{task}") as stream:
        *_, last = stream
    assert (last.data["type"], last.data["report"]["skipped"]) == ("complete", 1)


@part.step("cancel an import: this one has ended, which is no mistake")
def cancel_import(api: Api, made: Json) -> None:
    task = api.upload("/chat/import?async=true", "a.json", made["archive"])["task_id"]
    with api.stream("GET", f"/chat/import/{task}") as stream:
        list(stream)
    assert api.data("POST", f"/chat/import/{task}/cancel") == {"task_id": task}


@part.step("delete it")
def clean_up(api: Api, made: Json) -> None:
    offline.delete(api, made)
