"""What other programs export: trees, thinking, files and times come in; what has no place is kept beside."""

import base64
import copy
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duihua.transfer.archive import Archive
from duihua.transfer.formats import others
from duihua.transfer.found import MOST_BYTES, BrokenArchive, Found
from tests.files.documents import PNG
from tests.fixtures.client import Client
from tests.transfer.test_import import archive, counts, encoded, load, zipped

AT = 1_717_200_000.5
ISO = "2024-06-01T08:00:00.123456+08:00"


def node(name: str, parent: str | None, message: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    return {"id": name, "parent": parent, "children": [], "message": message} | fields


def gpt(name: str, role: str, content: Any, *, at: float | None = AT, **fields: Any) -> dict[str, Any]:
    parts = {"content_type": "text", "parts": [content]} if isinstance(content, str) else content
    return {"id": name, "author": {"role": role}, "create_time": at, "content": parts} | fields


def webui(name: str, parent: str | None, content: str, after: int, **fields: Any) -> dict[str, Any]:
    told = {"id": name, "parentId": parent, "role": "assistant", "content": content}
    return told | {"timestamp": 1_717_200_000 + after} | fields


def mapped(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {each["id"]: each for each in nodes}


_THOUGHTS = {"content_type": "thoughts", "thoughts": [{"summary": "想", "content": "先想一想"}]}
_CODE = {"content_type": "code", "text": "1+1"}
_PICTURED = {
    "content_type": "multimodal_text",
    "parts": ["看图", {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-Ab1"}],
}
CHATGPT = {
    "conversation_id": "6655-a",
    "title": "海边",
    "create_time": AT,
    "update_time": AT + 60,
    "current_node": "again",
    "is_starred": True,
    "default_model_slug": "gpt-4o",
    "mapping": mapped(
        node("client-created-root", None, None),
        node("system", "client-created-root", gpt("system", "system", "")),
        node("q", "system", gpt("q", "user", _PICTURED)),
        node("think", "q", gpt("think", "assistant", _THOUGHTS)),
        node(
            "call",
            "think",
            gpt("call", "assistant", _CODE, recipient="python"),
        ),
        node("out", "call", gpt("out", "tool", {"content_type": "execution_output", "text": "2"})),
        node(
            "a",
            "out",
            gpt(
                "a",
                "assistant",
                "是 2。\ue200cite\ue202turn0search1\ue201",
                at=AT + 5,
                metadata={"model_slug": "o3", "citations": [{"start_ix": 4}]},
                status="finished_successfully",
            ),
        ),
        node("again", "q", gpt("again", "assistant", "再答", at=AT + 9, status="in_progress")),
    ),
}
CLAUDE = {
    "uuid": "0c1e",
    "name": "",
    "created_at": ISO,
    "updated_at": ISO,
    "chat_messages": [
        {
            "uuid": "h1",
            "sender": "human",
            "text": "总结",
            "content": [],
            "created_at": ISO,
            "parent_message_uuid": "00000000-0000-4000-8000-000000000000",
            "attachments": [{"file_name": "论文.pdf", "extracted_content": "正文"}],
        },
        {
            "uuid": "a1",
            "sender": "assistant",
            "text": "not supported on your device",
            "created_at": "2024-06-01T08:00:05",
            "parent_message_uuid": "h1",
            "content": [
                {"type": "thinking", "thinking": "读一读"},
                {"type": "tool_use", "name": "search", "input": {}},
                {"type": "text", "text": "第一"},
                {"type": "text", "text": "第二"},
            ],
        },
    ],
}
DEEPSEEK = {
    "id": "d",
    "title": "问",
    "inserted_at": ISO,
    "updated_at": ISO,
    "mapping": mapped(
        node("root", None, None),
        node("1", "root", {"fragments": [{"type": "REQUEST", "content": "为什么"}], "inserted_at": ISO}),
        node(
            "2",
            "1",
            {
                "model": "deepseek-reasoner",
                "inserted_at": ISO,
                "fragments": [
                    {"type": "THINK", "content": "嗯"},
                    {"type": "SEARCH", "results": [{"url": "u"}]},
                    {"type": "RESPONSE", "content": "因为"},
                ],
            },
        ),
    ),
}
_DETAILS = '<details type="reasoning" done="true">\n<summary>Thought</summary>\n&gt; a &lt; b\n</details>\n'
_PICTURE = {"type": "image", "url": "data:image/png;base64," + base64.b64encode(PNG).decode()}
OPEN_WEBUI = {
    "id": "o",
    "title": "两个模型",
    "created_at": 1_717_200_000,
    "updated_at": 1_717_200_100,
    "archived": True,
    "meta": {"tags": ["旅行"]},
    "chat": {
        "models": ["a", "b"],
        "params": {"system": "简短", "temperature": 0.5},
        "history": {
            "currentId": "x",
            "messages": {
                "u": webui("u", None, "看", 0, role="user", files=[_PICTURE]),
                "x": webui("x", "u", _DETAILS + "甲", 1, model="a"),
                "y": webui("y", "u", "<think>乙想</think>\n乙", 2, model="b", done=False),
            },
        },
    },
}
LIBRECHAT = {"conversationId": "l", "messages": [{"messageId": "1", "text": "你好", "isCreatedByUser": True}]}
EVERY = {
    "chatgpt": CHATGPT,
    "claude": CLAUDE,
    "deepseek": DEEPSEEK,
    "open_webui": OPEN_WEBUI,
    "librechat": LIBRECHAT,
}


def found_in(content: bytes) -> list[Found]:
    assert others.detect(content)
    return list(others.archives(io.BytesIO(content)))


def read(value: dict[str, Any]) -> Archive:
    [found] = found_in(json.dumps([value], ensure_ascii=False).encode())
    assert isinstance(found.content, Archive), found.content.values
    return found.content


def lines(value: Archive) -> list[tuple[Any, ...]]:
    names = {message.uuid: number for number, message in enumerate(value.messages)}
    return [(m.role, m.content, m.reasoning, names.get(m.parent or "")) for m in value.messages]


def test_what_chatgpt_hides_becomes_reasoning_and_steps() -> None:
    value = read(CHATGPT)
    assert lines(value) == [
        ("user", "看图", None, None),
        ("assistant", "是 2。", "想\n\n先想一想", 0),
        ("assistant", "再答", None, 0),
    ]
    question, answer, again = value.messages
    assert (question.files, answer.model_id) == (
        [{"id": "file-Ab1", "name": "file-Ab1", "type": "image"}],
        "o3",
    )
    assert (answer.state, again.state, value.conversation.active_leaf) == (
        "complete",
        "interrupted",
        again.uuid,
    )
    assert (value.conversation.pinned, value.conversation.uuid) == (True, "chatgpt:6655-a")
    theirs = (question.message_metadata or {})["chatgpt"]
    assert [step["id"] for step in theirs["steps"]] == ["system", "think", "call", "out"]
    assert theirs["conversation"]["default_model_slug"] == "gpt-4o"
    # The text as it was, because the citations count in it.
    assert (answer.message_metadata or {})["chatgpt"]["content"]["parts"][0].endswith("\ue201")


def test_what_claude_thinks_calls_and_has_read() -> None:
    value = read(CLAUDE)
    assert lines(value) == [("user", "总结", None, None), ("assistant", "第一\n\n第二", "读一读", 0)]
    question, answer = value.messages
    [file] = question.files
    assert (file["name"], value.files[file["id"]].content.decode()) == ("论文.pdf.txt", "正文")
    assert (answer.message_metadata or {})["claude"]["content"] == [
        {"type": "tool_use", "name": "search", "input": {}}
    ]
    assert value.conversation.title == "Claude"


def test_claude_without_parents_is_a_line() -> None:
    said = [{k: v for k, v in each.items() if k != "parent_message_uuid"} for each in CLAUDE["chat_messages"]]
    assert lines(read(CLAUDE | {"chat_messages": said}))[1][3] == 0


@pytest.mark.parametrize("is_older", [False, True])
def test_who_speaks_in_deepseek(is_older: bool) -> None:
    older = mapped(
        node("root", None, None),
        node("1", "root", {"content": "为什么", "inserted_at": ISO}),
        node("2", "1", {"content": "因为", "reasoning_content": "嗯", "inserted_at": ISO}),
    )
    value = read(DEEPSEEK | {"mapping": older} if is_older else DEEPSEEK)
    assert lines(value) == [("user", "为什么", None, None), ("assistant", "因为", "嗯", 0)]
    if not is_older:
        assert (value.messages[1].message_metadata or {})["deepseek"]["fragments"][0]["type"] == "SEARCH"


def test_several_models_of_open_webui() -> None:
    value = read(OPEN_WEBUI)
    assert lines(value) == [
        ("user", "看", None, None),
        ("assistant", "甲", "a < b", 0),
        ("assistant", "乙", "乙想", 0),
    ]
    question, first, second = value.messages
    assert (value.conversation.active_leaf, first.model_id, second.state) == (first.uuid, "a", "interrupted")
    assert value.files[question.files[0]["id"]].content == PNG
    assert (value.conversation.config, value.conversation.archived) == ({"system_prompt": "简短"}, True)
    beside = (question.message_metadata or {})["open_webui"]["conversation"]
    assert (beside["params"], beside["meta"]) == ({"temperature": 0.5}, {"tags": ["旅行"]})


def test_the_structured_reply_of_open_webui_is_preferred() -> None:
    output = [
        {"type": "reasoning", "content": [{"text": "想"}]},
        {"type": "function_call", "name": "search"},
        {"type": "message", "content": [{"type": "output_text", "text": "甲"}]},
    ]
    messages = {"x": {"id": "x", "role": "assistant", "content": _DETAILS + "甲", "output": output}}
    value = read({"chat": {"history": {"messages": messages}}})
    assert lines(value) == [("assistant", "甲", "想", None)]


async def test_each_program_comes_in_once_and_is_named(client: Client) -> None:
    for name, value in EVERY.items():
        content = b"\xef\xbb\xbf" + json.dumps([value], ensure_ascii=False).encode()
        report = (await load(client, content)).data
        assert (counts(report), report["formats"]) == ((1, 0, 0), [name]), report
        assert counts((await load(client, json.dumps(value).encode())).data) == (0, 1, 0)


async def test_the_files_of_a_zip_come_with_their_messages(client: Client) -> None:
    listed = json.dumps([CHATGPT]).encode()
    old = {"conversations.json": listed, "file-Ab1-海.png": PNG, "user.json": b"{}", "chat.html": b"<p>"}
    report = (await load(client, zipped(**old))).data
    assert counts(report) == (1, 0, 0), report
    [question, _] = await client.messages(report["conversations"][0]["uuid"])
    [file] = question["files"]
    assert (file["kind"], file["content_type"]) == ("image", "image/png")
    assert (await client.get(file["url"])).body["data"] == PNG
    renamed = json.dumps([CHATGPT | {"conversation_id": "6655-b"}]).encode()
    names = json.dumps({"0a.dat": "file-Ab1-海.png"}).encode()
    for broken in (b'{"a": "\xfa"}', b"[" * 5_000):
        unnamed = {"conversations.json": listed, "conversation_asset_file_names.json": broken}
        assert counts((await load(client, zipped(**unnamed))).data) == (0, 1, 0)
    new = {"conversations-000.json": renamed, "0a.dat": PNG, "conversation_asset_file_names.json": names}
    report = (await load(client, zipped(**new))).data
    [question, _] = await client.messages(report["conversations"][0]["uuid"])
    assert (await client.get(question["files"][0]["url"])).body["data"] == PNG


async def test_a_chat_of_ours_may_be_called_conversations(client: Client) -> None:
    ours = {"conversations.json": encoded(archive()), "另.json": encoded(archive())}
    assert counts((await load(client, zipped(**ours))).data) == (2, 0, 0)


def test_a_picture_or_a_time_of_open_webui_that_is_none_is_left_out() -> None:
    value = copy.deepcopy(OPEN_WEBUI)
    asked = value["chat"]["history"]["messages"]["u"]
    asked |= {"timestamp": "²", "files": [{"type": "image", "url": "data:image/png;base64,海"}]}
    question = next(message for message in read(value).messages if message.content == "看")
    assert not question.files


def test_what_is_broken_in_a_list_is_told_and_the_rest_is_read() -> None:
    listed = json.dumps([{}, CHATGPT | {"mapping": None}, 7, CHATGPT])
    found = found_in(listed.encode())
    assert [isinstance(each.content, Archive) for each in found] == [False, False, False, True]
    cut = found_in(listed[:-20].encode())
    assert isinstance(cut[-1].content, BrokenArchive) and "not JSON" in cut[-1].content.values["reason"]
    assert found[-1].place == "conversation 4"


def test_a_list_of_any_length_is_read_and_one_item_of_it_is_not_endless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(others, "MOST_BYTES", 200_000)
    assert MOST_BYTES > others.MOST_BYTES
    many = json.dumps([CHATGPT] * 200).encode()
    assert len(many) > others.MOST_BYTES
    assert all(isinstance(each.content, Archive) for each in found_in(many))
    large = json.dumps([CHATGPT, CHATGPT | {"title": "大" * 100_000}]).encode()
    last = found_in(large)[-1].content
    assert isinstance(last, BrokenArchive) and "larger than" in last.values["reason"]


def test_circles_long_chains_and_what_nests_too_deep() -> None:
    chain = [node(f"n{i}", f"n{i - 1}" if i else None, gpt(f"n{i}", "user", str(i))) for i in range(1_500)]
    value = read(CHATGPT | {"mapping": mapped(*reversed(chain)), "current_node": None})
    assert [message.content for message in value.messages] == [str(i) for i in range(1_500)]
    circle = mapped(node("a", "b", gpt("a", "user", "甲")), node("b", "a", gpt("b", "user", "乙")))
    assert sorted(said[1] for said in lines(read(CHATGPT | {"mapping": circle}))) == ["乙", "甲"]
    deep = ('{"mapping": ' + '{"a":' * 50_000 + "1" + "}" * 50_001).encode()
    assert isinstance(found_in(deep)[0].content, BrokenArchive)


_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.just(AT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of it with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


@st.composite
def _mangled(draw: st.DrawFn) -> Any:
    """A conversation of some program in which something is missing or something else."""
    value = copy.deepcopy(EVERY[draw(st.sampled_from(list(EVERY)))])
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(_places(value) or [({"": 0}, "")]))
        if draw(st.booleans()):
            container[key] = draw(_ANY)
        else:
            container.pop(key)
    return value


@given(_mangled())
def test_whatever_is_in_it_it_is_read_or_named(value: Any) -> None:
    for found in others.archives(io.BytesIO(json.dumps([value]).encode())):
        if isinstance(found.content, BrokenArchive):
            assert found.content.values["reason"]
