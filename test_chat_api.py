"""A tour of the public API: `python test_chat_api.py [BASE_URL]`.

Prints each step and PASS or FAIL, and exits with 1 if any failed. Without a URL it starts a server of its
own on a free port, with nothing in it, and stops it at the end; with one it deletes what it made. It needs
only Python's standard library, so that it can be read as an example for any other client.
"""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]
Step = Callable[["Api", Json], None]
_STEPS: list[tuple[str, Step]] = []
# A scripted reply of the offline model; other providers ignore the key.
QUICK = {"offline": {"text": "好的，我在。", "rate": 0}}
SLOW = {"offline": {"tokens": 2000, "rate": 50}}


class Event(NamedTuple):
    """One Server-Sent Event."""

    id: int
    data: Json


class Api:
    """The API at a base URL."""

    def __init__(self, base_url: str) -> None:
        self._url = urllib.parse.urlsplit(base_url.rstrip("/"))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Json]:
        """One request; its status and its JSON."""
        with self._request(method, path, body, headers) as response:
            return response.status, json.loads(response.read())

    def data(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request that must succeed; the `data` of its answer."""
        status, answer = self.call(method, path, body, **headers)
        assert status == 200, answer
        return answer["data"]

    @contextlib.contextmanager
    def stream(self, method: str, path: str, body: Any = None, **headers: str) -> Iterator["Stream"]:
        """A request that is answered by a stream."""
        with self._request(method, path, body, headers) as response:
            assert response.status == 200, response.read()
            assert (response.getheader("Content-Type") or "").startswith("text/event-stream")
            yield Stream(response)

    def upload(self, path: str, name: str, content: bytes) -> Any:
        """Send one file as a form does; the `data` of the answer."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        form = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        with self._request("POST", path, form, headers) as response:
            answer = json.loads(response.read())
            assert response.status == 200, answer
            return answer["data"]

    def download(self, path: str) -> bytes:
        """The bytes that are there."""
        with self._request("GET", path, None, {}) as response:
            assert response.status == 200, response.read()
            return response.read()

    @contextlib.contextmanager
    def _request(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._url.netloc, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        payload = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        if payload is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, self._url.path + path, payload, sent)
        try:
            yield connection.getresponse()
        finally:
            connection.close()


class Stream:
    """The events of a response, as they come."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.task_id = response.getheader("X-Task-ID") or ""

    def __iter__(self) -> Iterator[Event]:
        number = 0
        for line in self._response:
            if line.startswith(b"id: "):
                number = int(line[4:])
            elif line.startswith(b"data: "):
                yield Event(number, json.loads(line[6:]))


def step(title: str) -> Callable[[Step], Step]:
    """Put a function into the tour; `made` carries what earlier steps made."""

    def add(function: Step) -> Step:
        _STEPS.append((title, function))
        return function

    return add


@step("the server is healthy and describes itself")
def health(api: Api, made: Json) -> None:
    assert api.data("GET", "/health")["status"] == "ok"
    assert api.data("GET", "/ready")["status"] == "ok"
    _, document = api.call("GET", "/openapi.json")
    assert "/chat/messages/stream" in document["paths"]


@step("create a group, and change its colour")
def create_group(api: Api, made: Json) -> None:
    group = api.data("POST", "/chat/groups", {"name": "学习", "color": "#409EFF"})
    made["group"] = group["id"]
    changed = api.data("PUT", f"/chat/groups/{group['id']}", {"color": "#67C23A"})
    assert (changed["name"], changed["color"]) == ("学习", "#67C23A")


@step("new conversations take their generation settings from the user's")
def settings(api: Api, made: Json) -> None:
    before = api.data("GET", "/chat/settings")
    changed = api.data("PUT", "/chat/settings", {"defaultConfig": {"temperature": 0.5}})
    assert changed == before | {"default_config": {"temperature": 0.5}}
    chat = api.data("POST", "/chat/conversations", {"config": {"max_tokens": 100}})
    assert chat["config"] == {"temperature": 0.5, "max_tokens": 100}
    api.data("DELETE", f"/chat/conversations/{chat['uuid']}")
    assert api.data("PUT", "/chat/settings", {"default_config": before["default_config"]}) == before


@step("store a model connection: its key is never shown again")
def connections(api: Api, made: Json) -> None:
    wanted = {"api_key": "sk-tour-0123456789abcd", "modelUrl": "http://127.0.0.1:9", "status": "inactive"}
    stored = api.data("POST", "/chat/api-keys", wanted)
    assert stored["api_key"] == "sk-…abcd"
    tested = api.data("POST", "/chat/api-keys/test", {"id": stored["id"], "model_name": "m"})
    assert (tested["success"], tested["reply"]) == (False, None)
    assert stored["id"] not in [model["api_key_id"] for model in api.data("GET", "/chat/models/available")]
    api.data("DELETE", f"/chat/api-keys/{stored['id']}")


@step("create a conversation in it")
def create_conversation(api: Api, made: Json) -> None:
    chat = api.data("POST", "/chat/conversations", {"title": "读书笔记", "groupId": made["group"]})
    made["chat"] = chat["uuid"]
    assert (chat["group_id"], chat["message_count"]) == (made["group"], 0)


@step("find it in the list, in its group, and by keyword")
def list_conversations(api: Api, made: Json) -> None:
    query = urllib.parse.urlencode({"groupId": made["group"], "keyword": "读书"})
    page = api.data("GET", f"/chat/conversations/list?{query}")
    assert [chat["uuid"] for chat in page["list"]] == [made["chat"]]
    groups = {group["id"]: group for group in api.data("GET", "/chat/groups")}
    assert groups[made["group"]]["conversations"][0]["uuid"] == made["chat"]


@step("send a message and wait for the reply")
def send(api: Api, made: Json) -> None:
    body = {"chat_id": made["chat"], "content": "你好，我们从哪里开始？", "config": QUICK}
    answer = api.data("POST", "/chat/messages", body)
    assert answer["content"] == body["content"]
    made["reply"] = answer["reply"]
    assert answer["reply"]["state"] == "complete"


@step("stream a reply: the chunks are exactly the stored text")
def stream(api: Api, made: Json) -> None:
    body = {"chat_id": made["chat"], "content": "再讲一点。"}
    with api.stream("POST", "/chat/messages/stream", body) as streaming:
        events = list(streaming)
        made["task"] = streaming.task_id
    made["events"] = events
    kinds = [event.data["type"] for event in events]
    assert kinds[:2] == ["user_message", "assistant_start"]
    assert kinds[-1] == "complete"
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    text = "".join(event.data["content"] for event in events if event.data["type"] == "chunk")
    assert text == events[-1].data["content"] == messages(api, made)[-1]["content"]


@step("join that stream again after event 3: nothing lost, nothing repeated")
def resume(api: Api, made: Json) -> None:
    path = f"/chat/messages/stream/{made['task']}"
    with api.stream("GET", path, Last_Event_ID="3") as joined:
        assert list(joined) == made["events"][3:]


@step("stop a reply half way: what was generated is kept")
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
    assert messages(api, made)[-1]["content"] == seen[-1].data["content"] != ""
    again = api.data("POST", "/chat/messages/stream/cancel", {"task_id": streaming.task_id})
    assert again["state"] == cancelled["state"]


@step("regenerate a reply: a new version beside the old one")
def regenerate(api: Api, made: Json) -> None:
    body = {"chat_id": made["chat"], "message_id": made["reply"]["uuid"], "config": QUICK}
    version = api.data("POST", "/chat/messages/regenerate", body)["reply"]["version"]
    assert (version["index"], version["count"]) == (2, 2)


@step("go back to the first version, with all that followed it")
def activate(api: Api, made: Json) -> None:
    shown = len(messages(api, made))
    old = api.data("PUT", f"/chat/messages/{made['reply']['uuid']}/activate")
    assert old["version"]["index"] == 1
    assert len(messages(api, made)) > shown


@step("edit a message in place")
def edit(api: Api, made: Json) -> None:
    first = messages(api, made)[0]
    edited = api.data("PUT", f"/chat/messages/{first['uuid']}", {"content": "你好，从第一章开始。"})
    assert (edited["content"], edited["character_count"]) == ("你好，从第一章开始。", 10)


@step("delete one message; the others stay in order")
def delete_message(api: Api, made: Json) -> None:
    before = [message["uuid"] for message in messages(api, made)]
    api.data("DELETE", f"/chat/messages/{before[-1]}")
    assert [message["uuid"] for message in messages(api, made)] == before[:-1]


@step("retry with the same Idempotency-Key: the first answer, no second effect")
def retry(api: Api, made: Json) -> None:
    key, body = uuid.uuid4().hex, {"title": "只有一个", "groupId": made["group"]}
    first = api.data("POST", "/chat/conversations", body, Idempotency_Key=key)
    assert api.data("POST", "/chat/conversations", body, Idempotency_Key=key) == first
    status, answer = api.call("POST", "/chat/conversations", {"title": "另一个"}, Idempotency_Key=key)
    assert (status, answer["error"]) == (409, "idempotency_key_reused")
    made["second"] = first["uuid"]


@step("move, pin and archive conversations")
def organise(api: Api, made: Json) -> None:
    default = next(group["id"] for group in api.data("GET", "/chat/groups") if group["is_default"])
    wanted = {"chat_ids": [made["second"], str(uuid.uuid4())], "target_group_id": default}
    report = api.data("PUT", "/chat/conversations/batch/move", wanted)
    assert (report["moved"], len(report["missing"])) == (1, 1)
    changed = api.data("PUT", f"/chat/conversations/{made['second']}", {"pinned": True, "status": "archived"})
    assert (changed["pinned"], changed["status"]) == (True, "archived")


@step("upload a file, ask about it, download it, delete it")
def files(api: Api, made: Json) -> None:
    file = api.upload("/chat/upload", "笔记.md", "# 第一章\n".encode())
    assert (file["name"], file["content_type"], file["size"]) == ("笔记.md", "text/markdown", 12)
    assert api.data("GET", f"/chat/files/{file['id']}") == file
    assert api.download(file["url"]) == "# 第一章\n".encode()
    api.data(
        "POST",
        "/chat/messages",
        {"chat_id": made["chat"], "content": "读一读。", "files": [file["id"]], "config": QUICK},
    )
    assert [kept["name"] for kept in messages(api, made)[-2]["files"]] == ["笔记.md"]
    api.data("DELETE", f"/chat/files/{file['id']}")
    status, answer = api.call("GET", f"/chat/files/{file['id']}")
    assert (status, answer["error"]) == (404, "file_not_found")


@step("export a conversation with all its versions")
def export(api: Api, made: Json) -> None:
    status, archive = api.call("POST", "/chat/export", {"chat_id": made["chat"], "format": "json"})
    assert (status, archive["format"]) == (200, "duihua")
    assert archive["conversation"]["uuid"] == made["chat"]
    assert len(archive["messages"]) > len(messages(api, made)), "the versions that are not shown are in it"


@step("import what was exported: it is there already, and the answer says so")
def import_again(api: Api, made: Json) -> None:
    _, archive = api.call("POST", "/chat/export", {"chat_id": made["chat"]})
    report = api.upload("/chat/import", "a.json", json.dumps(archive).encode())
    assert (report["imported"], report["skipped"], report["failed"]) == (0, 1, 0)
    assert report["errors"][0]["error"] == "already_imported"


@step("errors say what happened, in Chinese or English, and carry a stable name")
def errors(api: Api, made: Json) -> None:
    status, answer = api.call("GET", f"/chat/conversations/{uuid.uuid4()}")
    assert (status, answer["code"], answer["error"]) == (404, 404, "conversation_not_found")
    assert answer["message"] == answer["msg"] == "对话不存在"
    _, english = api.call("GET", f"/chat/conversations/{uuid.uuid4()}", Accept_Language="en")
    assert english["message"] == "Conversation not found"
    status, answer = api.call("POST", "/chat/messages", {"chat_id": made["chat"], "content": " "})
    assert (status, answer["detail"][0]["loc"]) == (422, ["body", "content"])


@step("count what was said, by the days of a time zone")
def statistics(api: Api, made: Json) -> None:
    path = f"/chat/statistics?timeRange=week&tz=Asia/Kathmandu&groupId={made['group']}"
    counted = api.data("GET", path)
    assert counted["overview"]["message_count"] > 0
    assert len(counted["trend"]) == 7
    assert sum(day["messages"] for day in counted["trend"]) == counted["overview"]["message_count"]


@step("what is deleted lies in the trash, comes back as it was, or is removed for good")
def trash(api: Api, made: Json) -> None:
    path = f"/chat/conversations/{made['second']}"
    before = api.data("GET", path)
    api.data("DELETE", path)
    assert made["second"] in [item["uuid"] for item in api.data("GET", "/chat/trash")["list"]]
    report = api.data("POST", "/chat/trash/restore", {"ids": [made["second"]]})
    assert report == {"restored": 1, "missing": []}
    assert api.data("GET", path) == before
    gone = api.data("POST", "/chat/conversations", {"title": "不要了"})["uuid"]
    api.data("DELETE", f"/chat/conversations/{gone}")
    assert api.data("DELETE", "/chat/trash", {"ids": [gone]}) == {"purged": 1, "missing": []}


@step("delete all of it")
def clean_up(api: Api, made: Json) -> None:
    api.data("DELETE", f"/chat/conversations/{made['chat']}/messages")
    assert messages(api, made) == []
    gone = api.data("DELETE", "/chat/conversations/batch", {"ids": [made["chat"], made["second"]]})
    assert gone == {"deleted": 2, "missing": []}
    api.data("DELETE", f"/chat/groups/{made['group']}?deleteChats=true")
    status, _ = api.call("GET", f"/chat/conversations/{made['chat']}")
    assert status == 404


def messages(api: Api, made: Json) -> list[Json]:
    """The shown messages of the tour's conversation."""
    page = api.data("GET", f"/chat/conversations/{made['chat']}/messages?pageSize=100")
    shown: list[Json] = page["list"]
    return shown


def tour(base_url: str) -> int:
    """Take all steps; how many failed. A step that needs what an earlier one failed to make fails too."""
    api, failed = Api(base_url), 0
    made: Json = {}
    for title, take in _STEPS:
        try:
            take(api, made)
        except (AssertionError, LookupError, OSError, ValueError, http.client.HTTPException) as error:
            failed += 1
            print(f"FAIL  {title}\n      {type(error).__name__}: {error}")
        else:
            print(f"PASS  {title}")
    print(f"\n{len(_STEPS) - failed} passed, {failed} failed")
    return failed


@contextlib.contextmanager
def own_server() -> Iterator[str]:
    """A server with an empty database of its own, on a free port; its base URL."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DUIHUA_DISCOVER": "false",
            "DUIHUA_PORT": "0",
            "DUIHUA_DATA_DIR": folder,
        }
        for name in ("DATABASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PORT"):
            environment.pop(name, None)
        log = Path(folder, "log")
        with log.open("wb") as output:
            command = [sys.executable, "-m", "duihua", "serve", "--log-format", "json"]
            server = subprocess.Popen(command, env=environment, stderr=output)
        try:
            yield _announced_url(server, log)
        finally:
            server.terminate()
            server.wait(timeout=30)


def _announced_url(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        for line in log.read_text("utf-8").splitlines():
            if '"url"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.05)
    raise SystemExit(f"the server did not start:\n{log.read_text('utf-8')}")


def test_the_tour() -> None:
    """The whole tour, for pytest."""
    with own_server() as base_url:
        assert tour(base_url) == 0


def main() -> int:
    """The exit status of the tour of the server that was named, or of one of its own."""
    if len(sys.argv) > 1:
        return min(tour(sys.argv[1]), 1)
    with own_server() as base_url:
        print(f"a server of our own at {base_url}\n")
        return min(tour(base_url), 1)


if __name__ == "__main__":
    sys.exit(main())
