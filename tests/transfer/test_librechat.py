"""The files of LibreChat: their trees, texts and times come in; what has no place here is kept beside."""

import io
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duihua.transfer.archive import Archive
from duihua.transfer.formats import others
from duihua.transfer.found import BrokenArchive
from tests.fixtures.client import Client
from tests.transfer.test_import import archive, counts, encoded, load, zipped

ROOT = "00000000-0000-0000-0000-000000000000"
AT = "2024-05-01T08:00:00.000Z"


def said(name: str, parent: str | None, text: str = "", **fields: Any) -> dict[str, Any]:
    return {"messageId": name, "parentMessageId": parent, "text": text, "createdAt": AT} | fields


def exported(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "conversationId": "3f6c1f9e-0b5e-4c43-9d0e-2f4b4c3a2b1d",
        "endpoint": "openAI",
        "title": "海边",
        "exportAt": "12:00:00 GMT+0100",
        "branches": True,
        "recursive": False,
        "options": {"model": "gpt-4", "promptPrefix": "Be brief.", "temperature": 1},
        "messages": list(messages),
    } | fields


FLAT = exported(
    said("q", ROOT, "为什么？", isCreatedByUser=True, files=[{"file_id": "f", "filename": "海.png"}]),
    said("a1", "q", "因为。", isCreatedByUser=False, model="gpt-4", tokenCount=3, finish_reason="stop"),
    said(
        "a2",
        "q",
        isCreatedByUser=False,
        unfinished=True,
        content=[
            {"type": "think", "think": "想一想"},
            {"type": "tool_call", "tool_call": {"name": "search", "args": "{}", "output": "海"}},
            {"type": "text", "text": "潮汐"},
        ],
    ),
)


def read(content: bytes) -> Archive | BrokenArchive:
    assert others.detect(content)
    [found] = others.archives(io.BytesIO(content))
    return found.content


def messages_of(value: dict[str, Any]) -> Archive:
    content = read(json.dumps(value).encode())
    assert isinstance(content, Archive), content
    return content


async def test_a_conversation_comes_in_once(client: Client) -> None:
    content = b"\xef\xbb\xbf" + json.dumps(FLAT, ensure_ascii=False).encode()
    report = (await load(client, content)).data
    assert counts(report) == (1, 0, 0)
    [imported] = report["conversations"]
    assert imported["title"] == "海边"
    file = (await client.post("/chat/export", {"chat_id": imported["uuid"], "format": "json"})).data
    back = msgspec.convert(file if isinstance(file, dict) else json.loads(file), Archive)
    assert back.conversation.config == {"system_prompt": "Be brief."}
    question, first, second = back.messages
    assert [question.role, first.role, second.role] == ["user", "assistant", "assistant"]
    assert first.parent == second.parent == question.uuid
    assert (first.content, first.model_id, first.token_count) == ("因为。", "gpt-4", 3)
    assert (second.content, second.reasoning, second.state) == ("潮汐", "想一想", "interrupted")
    assert question.message_metadata is not None and second.message_metadata is not None
    theirs = question.message_metadata["librechat"]
    assert theirs["files"] == [{"file_id": "f", "filename": "海.png"}]
    assert theirs["conversation"]["options"]["temperature"] == 1
    assert second.message_metadata["librechat"]["content"][0]["tool_call"]["output"] == "海"
    assert question.created_at.isoformat() == "2024-05-01T08:00:00+00:00"
    assert counts((await load(client, content)).data) == (0, 1, 0)


async def test_in_a_zip_each_entry_is_told_by_its_content(client: Client) -> None:
    other = FLAT | {"conversationId": "another"}
    entries = {
        "a.txt": json.dumps(FLAT).encode(),
        "b": json.dumps(other).encode(),
        "c.json": encoded(archive()),
    }
    entries["bad"] = b'{"conversationId": "x", "messages": ['
    report = (await load(client, zipped(**entries))).data
    assert counts(report) == (3, 0, 1)
    assert report["errors"][0]["place"] == "bad"


def test_nested_is_what_flat_is() -> None:
    def without(message: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in message.items() if key != "parentMessageId"}

    question, *answers = FLAT["messages"]
    tree = [without(question) | {"children": [without(answer) for answer in answers]}]
    nested = {key: value for key, value in FLAT.items() if key != "messages"} | {"messagesTree": tree}
    assert messages_of(nested).messages == messages_of(FLAT).messages


def test_long_chains_and_what_nests_too_deep() -> None:
    chain = [said(f"m{i}", f"m{i - 1}" if i else ROOT, str(i)) for i in range(1_200)]
    assert [m.content for m in messages_of(exported(*reversed(chain))).messages] == [
        str(i) for i in range(1_200)
    ]
    deep = "".join(f'{{"messageId": "m{i}", "children": [' for i in range(20_000)) + "]}" * 20_000
    broken = read(('{"conversationId": "x", "messagesTree": [' + deep + "]}").encode())
    assert isinstance(broken, BrokenArchive) and "nested too deep" in broken.values["reason"]


def test_a_circle_is_cut_once_and_the_lost_become_roots() -> None:
    found = messages_of(
        exported(said("a", "c"), said("b", "a"), said("c", "b"), said("d", "gone"), said("e", "e"))
    )
    parents = {message.uuid: message.parent for message in found.messages}
    assert sum(parents[name] is None for name in "abc") == 1
    assert parents["d"] is parents["e"] is None


def test_a_message_without_a_time_has_that_of_the_one_before() -> None:
    later = said("b", "a", createdAt="2024-05-02T00:00:00Z")
    found = messages_of(exported(said("a", ROOT, createdAt=None), later, said("c", "b", createdAt="12:00")))
    assert len({message.created_at for message in found.messages}) == 1


@pytest.mark.parametrize("head", [b'{"messages": []}', b'{"said": "\\"conversationId\\": 1"}', b"{}", b""])
def test_what_is_not_theirs_is_left_to_others(head: bytes) -> None:
    assert not others.detect(head)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=80) | st.sampled_from(["a", "b", AT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_MESSAGE = st.fixed_dictionaries(
    {}, optional=dict.fromkeys([*FLAT["messages"][2], "children", "tokenCount", "model", "updatedAt"], _ANY)
)


@given(st.lists(_MESSAGE | _ANY, max_size=5), st.dictionaries(st.sampled_from(list(FLAT)), _ANY, max_size=3))
def test_whatever_is_in_it_it_is_read_or_named(messages: list[Any], fields: dict[str, Any]) -> None:
    value = exported() | fields | {"conversationId": fields.get("conversationId"), "messages": messages}
    content = read(json.dumps(value).encode())
    if isinstance(content, BrokenArchive):
        assert content.values["reason"]
