"""Export: what a file holds, what it is called, and that a batch is a zip of such files."""

import io
import json
import re
import zipfile
from urllib.parse import unquote

from duihua.core.clock import now
from duihua.transfer import rendering
from tests.fixtures.client import Client
from tests.fixtures.rows import add_stranger


async def a_conversation(client: Client, title: str) -> str:
    """A question with two versions of its answer, the first text of the question edited."""
    chat = (await client.conversation(title=title))["uuid"]
    said = await client.say(chat, "你好")
    again = {
        "chat_id": chat,
        "message_id": said["reply"]["uuid"],
        "config": {"offline": {"text": "```python\nprint(1)", "rate": 0}},
    }
    await client.post("/chat/messages/regenerate", again)
    await client.put(f"/chat/messages/{said['message_id']}", {"content": "你好啊"})
    return chat


def name_of(headers: dict[str, str]) -> str:
    return unquote(headers["Content-Disposition"].partition("filename*=UTF-8''")[2])


async def test_json_holds_every_version_and_earlier_text(client: Client) -> None:
    chat = await a_conversation(client, "测试：a/b")
    answer = await client.post("/chat/export", {"chatId": chat})
    assert name_of(answer.headers) == f"测试：a_b-{now():%Y-%m-%d}.json"
    archive = json.loads(answer.data)
    assert (archive["format"], archive["version"]) == ("duihua", 1)
    question, first, second = archive["messages"]
    assert archive["conversation"]["active_leaf"] == second["uuid"]
    assert question["content"] == "你好啊"
    assert [revision["content"] for revision in question["revisions"]] == ["你好"]
    assert first["parent"] == second["parent"] == question["uuid"]


async def test_what_is_deleted_is_not_exported(client: Client) -> None:
    chat = await a_conversation(client, "删除")
    question, reply = await client.messages(chat)
    await client.delete(f"/chat/messages/{question['uuid']}")
    archive = json.loads((await client.post("/chat/export", {"chat_id": chat})).data)
    assert len(archive["messages"]) == 2
    assert not any("parent" in message for message in archive["messages"])
    assert archive["conversation"]["active_leaf"] == reply["uuid"]


async def test_markdown_and_text_are_the_shown_branch(client: Client) -> None:
    chat = await a_conversation(client, "阅读")
    english = {"Accept-Language": "en"}
    body = {"chat_id": chat, "format": "markdown"}
    markdown = (await client.post("/chat/export", body, headers=english)).data.decode()
    assert markdown.startswith("# 阅读\n")
    assert "### User" in markdown
    assert markdown.endswith("```python\nprint(1)\n```\n"), "an open fence is closed"
    answer = await client.post("/chat/export", body | {"format": "txt"})
    assert name_of(answer.headers) == f"阅读-{now():%Y-%m-%d}.txt"
    assert "[用户]" in answer.data.decode()


async def test_a_json_of_the_shown_branch_has_nothing_else(client: Client) -> None:
    chat = await a_conversation(client, "分支")
    question, shown = await client.messages(chat)
    alone = json.loads((await client.post("/chat/export", {"chat_id": chat, "branches": False})).data)
    assert [message["uuid"] for message in alone["messages"]] == [question["uuid"], shown["uuid"]]
    assert "revisions" not in alone["messages"][0], "an earlier text is not shown either"
    assert alone["conversation"]["active_leaf"] == shown["uuid"]
    whole = json.loads((await client.post("/chat/export", {"chat_id": chat})).data)
    assert whole == json.loads((await client.post("/chat/export", {"chat_id": chat, "branches": True})).data)
    assert len(whole["messages"]) == 3


async def test_a_person_may_read_every_version_with_what_follows_it(client: Client) -> None:
    chat = await a_conversation(client, "版本")
    await client.say(chat, "接着第二版")
    question, *_ = await client.messages(chat)
    await client.put(f"/chat/messages/{question['version']['uuids'][0]}", {"content": "另问", "branch": True})
    body = {"chat_id": chat, "branches": True}
    text = (await client.post("/chat/export", body | {"format": "txt"})).data.decode()
    said = re.findall(r"^\[(..)\] .*?(?:版本 (.*))?\n(.*)$", text, re.MULTILINE)
    assert said[:4] == [
        ("用户", "1/2", "你好啊"),
        ("助手", "1/2", "好的。"),
        ("助手", "2/2", "```python"),
        ("用户", "", "接着第二版"),
    ]
    assert [who for who, *_ in said[4:]] == ["助手", "用户", "助手"]
    assert said[5] == ("用户", "2/2", "另问")
    english = await client.post("/chat/export", body | {"format": "html"}, headers={"Accept-Language": "en"})
    assert english.data.decode().count("Version 2 of 2") == 2
    shown = (await client.post("/chat/export", body | {"format": "txt", "branches": None})).data.decode()
    assert "另问" in shown
    assert "接着第二版" not in shown
    assert "版本" not in shown.partition("\n")[2]


async def test_html_is_a_page_that_runs_nothing_and_asks_for_nothing(client: Client) -> None:
    chat = (await client.conversation(title="<script>题</script>"))["uuid"]
    hostile = (
        "<script>alert(1)</script> [a](javascript:alert(1)) ![b](https://example.com/b.png) **粗**\n\n"
        "|a|\n|-|\n|<img src=x>|"
    )
    await client.say(chat, "<i>问</i>", config={"offline": {"text": hostile}})
    answer = await client.post("/chat/export", {"chat_id": chat, "format": "html"})
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = answer.data.decode()
    assert name_of(answer.headers).endswith(".html")
    for part in ("<strong>粗</strong>", "<table>", "&lt;i&gt;问&lt;/i&gt;", "<title>&lt;script&gt;题"):
        assert part in page
    assert not re.search(r"<script|<img|href=.javascript", page)


async def test_everything_is_a_link(client: Client) -> None:
    for title in ("一", "二"):
        await client.conversation(title=title)
    answer = await client.get("/chat/export/all?format=html")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert sorted(archive.namelist()) == ["一.html", "二.html"]
    assert (await client.get("/chat/export/all?format=pdf")).status == 422


async def test_a_batch_is_a_zip_with_names_that_differ(client: Client) -> None:
    chats = [(await client.conversation(title=title))["uuid"] for title in ("会议", "会议", "CON", "../x")]
    answer = await client.post("/chat/export/batch", {"chat_ids": chats})
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.namelist() == ["会议.json", "会议 (2).json", "_CON.json", ".._x.json"]
        assert json.loads(archive.read("会议.json"))["conversation"]["uuid"] == chats[0]
    everything = await client.post("/chat/export/batch", {"all": True, "format": "markdown"})
    with zipfile.ZipFile(io.BytesIO(everything.data)) as archive:
        assert len(archive.namelist()) == 4
        assert archive.testzip() is None


async def test_a_batch_names_what_there_is(client: Client) -> None:
    assert (await client.post("/chat/export/batch", {})).status == 422
    assert (await client.post("/chat/export/batch", {"all": True, "chat_ids": ["1"]})).status == 422
    assert (await client.post("/chat/export/batch", {"chat_ids": ["0"]})).error == "conversation_not_found"


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_a_form_exports_what_was_chosen(client: Client) -> None:
    ids = [(await client.conversation(title=title))["uuid"] for title in ("一", "二", "三")]
    for raw in (f"chat_ids={ids[0]},{ids[1]}&format=txt", f"chatIds={ids[0]}&chatIds={ids[1]}&format=txt"):
        answer = await client.post("/chat/export/chosen", raw=raw.encode(), headers=FORM)
        assert answer.headers["Content-Disposition"].startswith("attachment")
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert archive.namelist() == ["一.txt", "二.txt"]


async def test_a_form_is_read_strictly(client: Client) -> None:
    chat = (await client.conversation(title="一"))["uuid"]
    for raw, error in (
        (b"", "invalid_input"),
        (b"chat_ids=", "invalid_input"),
        (b"chat_ids=%ff", "invalid_input"),
        (b"chat_ids=\xe4", "invalid_input"),
        (f"chat_ids={chat}&format=pdf".encode(), "invalid_input"),
        (f"chat_ids={chat},0".encode(), "conversation_not_found"),
    ):
        answer = await client.post("/chat/export/chosen", raw=raw, headers=FORM)
        assert answer.error == error, raw
    in_json = await client.post("/chat/export/chosen", {"chat_ids": [chat]})
    assert (in_json.status, in_json.error) == (415, "form_expected")


async def test_a_form_of_another_site_or_for_a_strangers_conversation_gets_nothing(client: Client) -> None:
    chat = (await client.conversation(title="一"))["uuid"]
    raw = f"chat_ids={chat}".encode()
    cross = FORM | {"Sec-Fetch-Site": "cross-site", "Origin": "https://example.com"}
    assert (await client.post("/chat/export/chosen", raw=raw, headers=cross)).error == "cross_site"
    owned = await client.app.state.database.write(add_stranger)
    raw = f"chat_ids={owned.chat}".encode()
    answer = await client.post("/chat/export/chosen", raw=raw, headers=FORM)
    assert (answer.status, answer.error) == (404, "conversation_not_found")


def test_a_fence_inside_a_longer_fence_is_code() -> None:
    assert rendering._closed("````\n```\n````") == "````\n```\n````"
    assert rendering._closed("~~~\n```") == "~~~\n```\n~~~"
