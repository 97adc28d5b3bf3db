"""Files."""

from tests.tour import offline
from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Files 文件")
CONTENT = "# 第一章\n".encode()


@part.step("upload a file, and download it")
def upload(api: Api, made: Json) -> None:
    made["file"] = file = api.upload("/chat/upload", "笔记.md", CONTENT)
    assert (file["name"], file["content_type"], file["size"]) == ("笔记.md", "text/markdown", 12)
    assert api.data("GET", f"/chat/files/{file['id']}") == file
    assert file["url"] == f"/chat/files/{file['id']}/content"
    assert api.download(file["url"]) == CONTENT


@part.step("ask about it")
def ask(api: Api, made: Json) -> None:
    offline.start(api, made, "文件")
    offline.say(api, made, "读一读。", files=[made["file"]["id"]])
    assert [file["name"] for file in offline.shown(api, made)[0]["files"]] == ["笔记.md"]
    assert offline.say(api, made, "", files=[made["file"]["id"]])["reply"]["state"] == "complete"


@part.step("delete the file, and the conversation")
def clean_up(api: Api, made: Json) -> None:
    path = f"/chat/files/{made['file']['id']}"
    api.data("DELETE", path)
    status, answer = api.call("GET", path)
    assert (status, answer["error"]) == (404, "file_not_found")
    offline.delete(api, made)
