"""Import: what was exported comes back, once; what is no archive is told and changes nothing."""

import io
import json
import tracemalloc
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duihua.core.ids import new_uuid
from duihua.transfer import found as found_module
from duihua.transfer.formats import detecting, duihua_json, others
from duihua.transfer.found import BrokenArchive
from tests.fixtures.client import Client
from tests.fixtures.rows import add_stranger, every_row
from tests.transfer.test_export import a_conversation

AT = "2026-01-31T08:00:00Z"


def form_of(content: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(content), filename="a")
    return form


async def load(client: Client, content: bytes, path: str = "/chat/import") -> Any:
    return await client.post(path, data=form_of(content))


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["imported"], report["skipped"], report["failed"]


def archive(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    dated = {"created_at": AT, "updated_at": AT}
    return {
        "format": "duihua",
        "version": 1,
        "conversation": {"uuid": new_uuid(), "title": "旧对话"} | dated | fields,
        "messages": [{"role": "user", "content": "你好"} | dated | message for message in messages],
    }


def encoded(*archives: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(item).encode() for item in archives)


def zipped(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


async def test_a_second_import_adds_nothing_and_says_so(client: Client) -> None:
    chats = [await a_conversation(client, title) for title in ("一", "二")]
    content = (await client.post("/chat/export/batch", {"chat_ids": chats})).data
    assert counts((await load(client, content)).data) == (0, 2, 0)
    await client.delete("/chat/conversations/batch", {"ids": chats})
    first = (await load(client, content)).data
    assert counts(first) == (2, 0, 0)
    again = (await load(client, content)).data
    assert counts(again) == (0, 2, 0)
    assert again["errors"][0]["error"] == "already_imported"


async def test_the_uuids_of_others_are_theirs(client: Client) -> None:
    stranger = await client.app.state.database.write(add_stranger)
    report = (await load(client, encoded(archive({"uuid": stranger.message}, uuid=stranger.chat)))).data
    [imported] = report["conversations"]
    [message] = await client.messages(imported["uuid"])
    assert imported["uuid"] != stranger.chat
    assert (message["uuid"] != stranger.message, message["content"]) == (True, "你好")


async def test_into_a_group(client: Client) -> None:
    group = (await client.post("/chat/groups", {"name": "旧"})).data["id"]
    report = (await load(client, encoded(archive()), f"/chat/import?groupId={group}")).data
    named = (await load(client, encoded(archive(group="旧"), archive(group="新")))).data
    uuids = [c["uuid"] for c in report["conversations"] + named["conversations"]]
    found = [(await client.get(f"/chat/conversations/{uuid}")).data["group_id"] for uuid in uuids]
    assert found[:2] == [group, group]
    assert found[2] not in {group, 1}


def message(uuid: str, parent: str | None = None) -> dict[str, Any]:
    return {"uuid": uuid} | ({"parent": parent} if parent else {})


BROKEN = {
    "cycle": archive(message("a", "b"), message("b", "a")),
    "its own parent": archive(message("a", "a")),
    "same uuid": archive(message("a"), message("a")),
    "parent missing": archive(message("a", "b")),
    "leaf missing": archive(message("a"), active_leaf="b"),
    "role": archive({"uuid": "a", "role": "root"}),
    "time": archive({"uuid": "a", "created_at": "0001-01-01T00:00:00+14:00"}),
    "no zone": archive({"uuid": "a", "created_at": "2026-01-31T08:00:00"}),
    "NUL": archive({"uuid": "a", "content": "\0"}),
    "surrogate": archive({"uuid": "a", "content": "\ud800"}),
    "NaN": archive(config={"temperature": float("nan")}),
    "config": archive(config={"temperature": "hot"}),
    "version": archive() | {"version": 2},
    "messages": archive() | {"messages": None},
}


async def test_a_broken_conversation_is_told_and_the_others_come(client: Client) -> None:
    good = archive(message("b", "a"), message("a"))
    no_json = [b'{"format": ', b"[]", b'{"format": "\xfa"}', b'{"a":' * 5_000 + b"1" + b"}" * 5_000]
    content = b"\n".join([encoded(good, *BROKEN.values()), *no_json, encoded(archive())])
    report = (await load(client, content)).data
    failed = len(BROKEN) + len(no_json)
    assert counts(report) == (2, 0, failed)
    assert [e["place"] for e in report["errors"]] == [f"line {n + 2}" for n in range(failed)]
    assert all(error["error"] == "archive_broken" for error in report["errors"])
    shown = await client.messages(report["conversations"][0]["uuid"])
    assert len(shown) == 2, "without an active leaf the last message's branch is shown"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff\xfe", b"PK\x03\x04cut", zipped(a=encoded(archive()))[:-30]]
)
async def test_what_is_no_archive_changes_nothing(client: Client, content: bytes) -> None:
    db = client.app.state.database
    before = await db.read(every_row)
    assert (await load(client, content)).error == "import_unreadable"
    assert await db.read(every_row) == before


@pytest.mark.parametrize(
    "line",
    [
        b'{"format": "duihua", "a": "\xfa"}',
        b'{"format": "duihua", "a": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
    ],
)
async def test_a_first_line_that_cannot_be_read_is_told(client: Client, line: bytes) -> None:
    for content in (line, zipped(**{"a.json": line})):
        report = (await load(client, content)).data
        assert (counts(report), report["errors"][0]["error"]) == ((0, 0, 1), "archive_broken")


async def test_a_zip_is_read_entry_by_entry(client: Client) -> None:
    content = zipped(**{"../../etc/x": encoded(archive()), "bomb.json": b"\0" * 2**28, "/b": b"no"})
    report = (await load(client, content)).data
    assert counts(report) == (1, 0, 2)
    assert [error["place"] for error in report["errors"]] == ["bomb.json", "/b"]


async def test_an_entry_without_a_name_is_read(client: Client) -> None:
    content = zipped(**{"a.json": encoded(archive())}).replace(b"a.json", b"\0.json")
    assert counts((await load(client, content)).data) == (1, 0, 0)


async def test_an_entry_whose_name_is_no_utf_8_is_told(client: Client) -> None:
    whole = zipped(**{"海.json": encoded(archive()), "b.json": encoded(archive())})
    content = whole.replace("海".encode(), b"\xf2\xff\xff", 1)
    assert counts((await load(client, content)).data) == (1, 0, 1)


def test_no_more_of_an_entry_is_unpacked_than_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(duihua_json, "MOST_BYTES", 2**20)
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(zipped(**{"a.json": b" " * 2**26}))
    tracemalloc.start()
    try:
        [found] = detecting.found_in(bomb)
        assert isinstance(found.content, BrokenArchive)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_no_more_values_are_made_than_can_be_held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(found_module, "_MOST_PARTS", 50_000)
    for reader in (duihua_json, others):
        monkeypatch.setattr(reader, "MOST_BYTES", 2**20)
    bomb = tmp_path / "bomb.json"
    for begin in (b'{"format":"duihua","messages":[', b'{"conversationId":"a","messages":['):
        bomb.write_bytes(begin + b"{}," * 100_000 + b"{}]}")
        tracemalloc.start()
        try:
            [found] = detecting.found_in(bomb)
            assert tracemalloc.get_traced_memory()[1] < 2**22, "a hundred thousand objects"
        finally:
            tracemalloc.stop()
        assert isinstance(found.content, BrokenArchive)
        assert "more values" in found.content.values["reason"]


async def test_an_entry_that_lies_about_its_size(client: Client) -> None:
    said = encoded(archive())
    claim = (10 * 2**30).to_bytes(8, "little")
    for sizes in (b"\xfe\xff\xff\xff", b"\xff\xff\xff\xff"):
        content = zipped(**{"a.json": said}).replace(len(said).to_bytes(4, "little"), sizes)
        # With all bits set the size is said to be elsewhere, and is not.
        answer = await load(client, content + claim)
        assert answer.status == 422 or sum(counts(answer.data)) == 1, "told, and no crash"
    assert (await load(client, said)).data["failed"] == 0


async def test_a_chain_of_ten_thousand(client: Client) -> None:
    names = [new_uuid() for _ in range(10_000)]
    chain = [message(name, parent) for name, parent in zip(names, [None, *names], strict=False)]
    [imported] = (await load(client, encoded(archive(*chain)))).data["conversations"]
    assert imported["message_count"] == 10_000
    last = (await client.get(f"/chat/conversations/{imported['uuid']}/messages?around={names[-1]}")).data
    assert last["list"][-1]["uuid"] == names[-1]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(
    lambda moment: moment.isoformat() + "Z"
)


@st.composite
def archives(draw: st.DrawFn) -> dict[str, Any]:
    uuids = [new_uuid() for _ in range(draw(st.integers(0, 6)))]
    messages = []
    for number, uuid in enumerate(uuids):
        parent = draw(st.sampled_from([None, *uuids[:number]]))
        fields = {
            "role": st.sampled_from(["user", "assistant", "system", "tool"]),
            "content": texts,
            "reasoning": texts,
            "reasoning_ms": st.none() | st.integers(0, 9),
            "first_token_ms": st.none() | st.integers(0, 9),
            "duration_ms": st.none() | st.integers(0, 9),
            "created_at": moments,
            "state": st.sampled_from(["complete", "cancelled", "interrupted", "failed"]),
            "message_metadata": st.dictionaries(texts, st.none() | st.integers(-9, 9) | texts, max_size=2),
            "token_count": st.integers(0, 9),
            "revisions": st.lists(
                st.fixed_dictionaries({"content": texts, "created_at": moments}), max_size=2
            ),
        }
        messages.append(draw(st.fixed_dictionaries(fields)) | message(uuid, parent))
    leaf = {"active_leaf": draw(st.sampled_from(uuids))} if uuids else {}
    head = {
        "title": texts.filter(bool),
        "description": texts,
        "pinned": st.booleans(),
        "archived": st.booleans(),
    }
    return archive(*messages, **draw(st.fixed_dictionaries(head)), **leaf)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_export_import_export_is_the_identity(client: Client, data: st.DataObject) -> None:
    [imported] = (await load(client, encoded(data.draw(archives())))).data["conversations"]
    first = (await client.post("/chat/export", {"chat_id": imported["uuid"]})).data
    await client.delete(f"/chat/conversations/{imported['uuid']}")
    [again] = (await load(client, first)).data["conversations"]
    second = (await client.post("/chat/export", {"chat_id": again["uuid"]})).data
    assert _by_place(second) == _by_place(first)


def _by_place(content: bytes) -> dict[str, Any]:
    """The archive with its messages named by their places: everything but ids."""
    value = json.loads(content)
    places = {message["uuid"]: place for place, message in enumerate(value["messages"])}
    for item in value["messages"]:
        item["uuid"], item["parent"] = places[item["uuid"]], places.get(item.get("parent"))
    value["conversation"]["active_leaf"] = places.get(value["conversation"].get("active_leaf"))
    del value["conversation"]["uuid"]
    return value
