"""Many conversations on the shelf at once, and back."""

import pytest

from duihua import changes
from tests.fixtures.client import Client

UNKNOWN = "0199aaaa-0000-7000-8000-000000000000"


@pytest.mark.parametrize("spelling", ["chat_ids", "chatIds"])
async def test_several_can_be_archived_at_once_and_taken_back(client: Client, spelling: str) -> None:
    first, second, kept = [await client.conversation() for _ in range(3)]
    body = {spelling: [first["uuid"], second["id"], first["id"], UNKNOWN, 999]}
    missing = [UNKNOWN, "999"]
    for _ in range(2):  # what is on the shelf already stays there, and is no failure
        report = await client.put("/chat/conversations/batch/status", body | {"status": "archived"})
        assert report.data == {"updated": 2, "missing": missing}
    archived = (await client.get("/chat/conversations/list?status=archived")).data["list"]
    assert archived == [second | {"status": "archived"}, first | {"status": "archived"}]
    assert (await client.get("/chat/conversations/list")).data["list"] == [kept]
    back = await client.put("/chat/conversations/batch/status", body | {"status": "active"})
    assert back.data == {"updated": 2, "missing": missing}
    assert (await client.get("/chat/conversations/list")).data["list"] == [kept, second, first]
    refusal = await client.put("/chat/conversations/batch/status", body | {"status": "deleted"})
    assert refusal.body["detail"][0]["loc"] == ["body", "status"]


async def test_only_what_an_archiving_changed_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [await client.conversation() for _ in range(2)]
    await client.put(f"/chat/conversations/{first['uuid']}", {"status": "archived"})
    told: list[int] = []
    monkeypatch.setattr(changes, "of_conversations", lambda *told_of: told.extend(told_of[-1]))
    both = {"chat_ids": [first["uuid"], second["uuid"]], "status": "archived"}
    assert (await client.put("/chat/conversations/batch/status", both)).data["updated"] == 2
    assert told == [second["id"]]
