"""What is there already when a file is imported: skipped, brought up to date or copied; and a dry run."""

from typing import Any

from tests.fixtures.client import Client
from tests.transfer.test_import import archive, counts, encoded, load


def grown(old: dict[str, Any]) -> dict[str, Any]:
    """The same conversation as it is exported later: an answer on each branch more."""
    dated = {"created_at": "2026-02-01T08:00:00Z", "updated_at": "2026-02-01T08:00:00Z", "role": "assistant"}
    more = [
        {"uuid": "旁支", "parent": "问", "content": "另一个答"} | dated,
        {"uuid": "再答", "parent": "答", "content": "又答"} | dated,
    ]
    return old | {"messages": old["messages"] + more}


def a_dialogue() -> dict[str, Any]:
    return archive({"uuid": "问"}, {"uuid": "答", "parent": "问", "role": "assistant", "content": "答"})


async def texts(client: Client, chat: str) -> list[str]:
    return [message["content"] for message in await client.messages(chat)]


async def test_a_newer_export_adds_what_is_missing(client: Client) -> None:
    old = a_dialogue()
    [made] = (await load(client, encoded(old))).data["conversations"]
    question, answer = await client.messages(made["uuid"])
    await client.put(f"/chat/messages/{question['uuid']}", {"content": "改过"})
    report = (await load(client, encoded(grown(old)), "/chat/import?duplicates=update")).data
    assert (counts(report), report["updated"]) == ((0, 0, 0), 1)
    [updated] = report["conversations"]
    assert (updated["uuid"], updated["added"], updated["is_new"]) == (made["uuid"], 2, False)
    # What was edited here stays; what the file shows last is shown.
    assert await texts(client, made["uuid"]) == ["改过", "答", "又答"]
    messages = await client.messages(made["uuid"])
    assert messages[1]["uuid"] == answer["uuid"] and messages[1]["version"]["count"] == 2
    assert (await client.get(f"/chat/conversations/{made['uuid']}")).data["message_count"] == 3
    found = (await client.get("/chat/search?keyword=又答")).data
    assert found["total"]["messages"] == 1
    again = (await load(client, encoded(grown(old)), "/chat/import?duplicates=update")).data
    assert (counts(again), again["updated"]) == ((0, 1, 0), 0)


async def test_what_was_deleted_here_does_not_come_back(client: Client) -> None:
    old = a_dialogue()
    [made] = (await load(client, encoded(old))).data["conversations"]
    _, answer = await client.messages(made["uuid"])
    await client.delete(f"/chat/messages/{answer['uuid']}")
    report = (await load(client, encoded(old), "/chat/import?duplicates=update")).data
    assert counts(report) == (0, 1, 0)
    assert await texts(client, made["uuid"]) == ["你好"]


async def test_a_copy_stands_beside_what_is_there(client: Client) -> None:
    old = a_dialogue()
    for _ in range(2):
        report = (await load(client, encoded(old), "/chat/import?duplicates=copy")).data
        assert counts(report) == (1, 0, 0)
        assert await texts(client, report["conversations"][0]["uuid"]) == ["你好", "答"]
    assert (await client.get("/chat/conversations/list")).data["total"] == 2


async def test_a_dry_run_tells_and_changes_nothing(client: Client) -> None:
    old, new = a_dialogue(), archive({"uuid": "单"})
    await load(client, encoded(old))
    content = encoded(grown(old), new) + b"\n{broken"
    for duplicates, expected in (("skip", (1, 0, 1, 1)), ("update", (1, 1, 0, 1)), ("copy", (2, 0, 0, 1))):
        asked = f"/chat/import?dryRun=true&duplicates={duplicates}"
        answer = await load(client, content, asked)
        report = answer.data
        assert answer.body["message"] == "没有做任何改动，这是导入会做的"
        assert tuple(report[name] for name in ("imported", "updated", "skipped", "failed")) == expected
        assert report["formats"] == ["duihua"]
    assert (await client.get("/chat/conversations/list")).data["total"] == 1
    refused = await load(client, content, "/chat/import?duplicates=overwrite")
    assert (refused.status, refused.error) == (422, "invalid_input")
