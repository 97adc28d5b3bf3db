"""Two acts at once on the same rows; a third session holds what both need, so that they do meet.

On PostgreSQL alone: SQLite has one writer.
"""

import asyncio
from collections.abc import Awaitable

import asyncpg

from tests.api.routes import upload
from tests.db.notes import on_postgres, postgres_peer
from tests.fixtures.client import Client, Reply
from tests.transfer.test_import import archive, encoded, form_of

pytestmark = on_postgres
# Every act that is told takes its number last, from the row of its user.
THE_END = "SELECT FROM users FOR UPDATE"
WAITING = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


async def meeting(url: str, held: str, *acts: Awaitable[Reply]) -> list[Reply]:
    """What these answer, that wait for the `held` rows one behind the other."""
    tasks = []
    async with postgres_peer(url) as peer:
        async with peer.transaction():
            await peer.execute(held)
            for act in acts:
                tasks.append(asyncio.ensure_future(act))
                await until_waiting(peer, len(tasks))
        return await asyncio.gather(*tasks)


async def until_waiting(peer: asyncpg.Connection, number: int) -> None:
    async with asyncio.timeout(5):
        # The server tells nobody when a session begins to wait.
        while await peer.fetchval(WAITING) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def conversation_row(uuid: str) -> str:
    return f"SELECT FROM conversations WHERE uuid = '{uuid}' FOR UPDATE"


async def test_what_is_deleted_twice_at_once_comes_back(client: Client, database_url: str) -> None:
    uuid = (await client.conversation())["uuid"]
    one, many = f"/chat/conversations/{uuid}", {"ids": [uuid]}
    second = client.delete("/chat/conversations/batch", many)
    answers = await meeting(database_url, conversation_row(uuid), client.delete(one), second)
    assert answers[1].data == {"deleted": 0, "missing": [uuid]}
    assert (await client.post("/chat/trash/restore", many)).data["restored"] == 1
    assert (await client.get(one)).data["status"] == "active"


async def test_what_is_deleted_is_not_moved(client: Client, database_url: str) -> None:
    uuid = (await client.conversation())["uuid"]
    group = (await client.post("/chat/groups", {"name": "a"})).data["id"]
    deleting = client.delete(f"/chat/conversations/{uuid}")
    body = {"chat_ids": [uuid], "target_group_id": group}
    moving = client.put("/chat/conversations/batch/move", body)
    answers = await meeting(database_url, conversation_row(uuid), deleting, moving)
    assert answers[1].data == {"moved": 0, "missing": [uuid]}


async def test_what_is_restored_while_its_group_is_deleted_is_in_a_group(
    client: Client, database_url: str
) -> None:
    group = (await client.post("/chat/groups", {"name": "a"})).data["id"]
    uuid = (await client.conversation(group_id=group))["uuid"]
    path = f"/chat/conversations/{uuid}"
    await client.delete(path)
    restoring = client.post("/chat/trash/restore", {"ids": [uuid]})
    deleting = client.delete(f"/chat/groups/{group}?deleteChats=true")
    await meeting(database_url, THE_END, restoring, deleting)
    shown = await client.get(path)
    groups = [each["id"] for each in (await client.get("/chat/groups")).data]
    assert shown.status == 404 or shown.data["group_id"] in groups


async def test_what_is_imported_while_its_group_is_deleted_is_in_a_group(
    client: Client, database_url: str
) -> None:
    path = f"/chat/groups/{(await client.post('/chat/groups', {'name': 'a'})).data['id']}"
    importing = client.post("/chat/import", data=form_of(encoded(archive(group="a"))))
    await meeting(database_url, THE_END, client.delete(path), importing)
    assert [len(each["conversations"]) for each in (await client.get("/chat/groups")).data] == [0, 1]


async def test_a_version_that_is_deleted_is_not_shown(client: Client, database_url: str) -> None:
    uuid = (await client.conversation())["uuid"]
    path = f"/chat/messages/{(await client.say(uuid))['reply']['uuid']}"
    acts = client.delete(path), client.put(f"{path}/activate")
    answers = await meeting(database_url, conversation_row(uuid), *acts)
    assert [answer.status for answer in answers] == [200, 404]


async def test_a_group_that_is_deleted_is_not_changed(client: Client, database_url: str) -> None:
    path = f"/chat/groups/{(await client.post('/chat/groups', {'name': 'a'})).data['id']}"
    answers = await meeting(database_url, THE_END, client.delete(path), client.put(path, {"name": "b"}))
    assert [answer.status for answer in answers] == [200, 404]


async def test_an_archive_that_is_imported_twice_at_once_comes_once(client: Client) -> None:
    chat = await client.conversation()
    file = (await client.post("/chat/upload", data=upload())).data["id"]
    await client.say(chat["uuid"], files=[file])
    everything = (await client.post("/chat/export/batch", {"all": True})).data
    await client.delete("/chat/conversations/batch", {"ids": [chat["uuid"]]})
    await client.delete("/chat/trash", {"all": True})
    asked = (client.post("/chat/import", data=form_of(everything)) for _ in range(4))
    reports = [answer.data for answer in await asyncio.gather(*asked)]
    assert sorted((report["imported"], report["skipped"]) for report in reports) == [(0, 1)] * 3 + [(1, 0)]
    [question, _] = await client.messages(chat["uuid"])
    assert (await client.get(question["files"][0]["url"])).status == 200


async def test_what_is_shared_again_while_it_is_revoked(client: Client, database_url: str) -> None:
    path = f"/chat/conversations/{(await client.conversation())['uuid']}/share"
    await client.post(path, {})
    acts = client.delete(path), client.post(path, {})
    answers = await meeting(database_url, "SELECT FROM shares FOR UPDATE", *acts)
    assert [answer.status for answer in answers] == [200, 200]
    assert (await client.get(path)).data["path"] == answers[1].data["path"]


async def test_what_is_imported_while_the_trash_is_emptied_has_its_files(
    client: Client, database_url: str
) -> None:
    """The import comes first, and waits with its files held; the other must not take them for unused."""
    chat = await client.conversation()
    file = (await client.post("/chat/upload", data=upload())).data["id"]
    await client.say(chat["uuid"], files=[file])
    everything = (await client.post("/chat/export/batch", {"all": True})).data
    await client.delete("/chat/conversations/batch", {"ids": [chat["uuid"]]})
    importing = client.post("/chat/import", data=form_of(everything))
    emptying = client.delete("/chat/trash", {"all": True})
    report, purged = await meeting(database_url, THE_END, importing, emptying)
    assert purged.data["purged"] == 1
    [question, _] = await client.messages(report.data["conversations"][0]["uuid"])
    assert (await client.get(question["files"][0]["url"])).status == 200
