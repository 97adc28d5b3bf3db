"""Conversations title themselves after their first reply, and never over a person's title."""

import asyncio
from typing import Any

import pytest

from duihua.changes import repository as changes
from duihua.generation import titling
from duihua.models.user import LOCAL_USER_ID
from duihua.titles import service
from tests.fixtures.client import Client, Event
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import DONE, FINISH, Act, Script, answer, delta, head, reply
from tests.generation.asking import Scripted, asked, scripted, until
from tests.generation.laws import stored

QUESTION = "如何安装 Docker？"
SLOW = [head() + delta("先"), 0.3, delta("这样。") + FINISH + DONE]


def titles(events: list[Event]) -> list[str]:
    return [event.data["title"] for event in events if event.data["type"] == "title"]


async def title_of(client: Client, chat_id: str) -> str:
    return (await client.get(f"/chat/conversations/{chat_id}")).data["title"]


async def ask(server: Scripted, **fields: Any) -> tuple[str, list[Event]]:
    return await server.reply(QUESTION, title=None, **fields)


async def test_the_offline_model_titles_by_the_question(client: Client) -> None:
    chat_id = (await client.conversation(title="新对话"))["uuid"]
    events = await client.stream("/chat/messages/stream", asked(chat_id, QUESTION))
    await stored(client, chat_id, events)
    assert events[-2].data == {"type": "title", "title": QUESTION}
    assert await title_of(client, chat_id) == QUESTION
    told = await client.app.state.database.read(changes.since, LOCAL_USER_ID, 0, 100)
    assert f'{{"type":"conversation","act":"changed","chat_id":"{chat_id}"}}' in dict(told.rows).values()
    again = await client.stream(f"/chat/messages/stream/{events[1].data['task_id']}", after=events[-3].id)
    assert again == events[-2:]
    other = await client.stream("/chat/messages/stream", asked(chat_id, "另一个"))
    assert (titles(other), await title_of(client, chat_id)) == ([], QUESTION)
    # Whoever clears a title wants another.
    await client.put(f"/chat/conversations/{chat_id}", {"title": None})
    assert titles(await client.stream("/chat/messages/stream", asked(chat_id, "第三个"))) == ["第三个"]


async def test_a_failed_reply_gives_no_title_and_the_next_does(client: Client) -> None:
    chat_id = (await client.conversation(title=None))["uuid"]
    failed = asked(chat_id, error="provider_timeout")
    assert titles(await client.stream("/chat/messages/stream", failed)) == []
    assert titles(await client.stream("/chat/messages/stream", asked(chat_id, QUESTION))) == [QUESTION]


async def test_a_title_of_a_person_stands(client: Client) -> None:
    named = (await client.conversation(title="我的"))["uuid"]
    assert titles(await client.stream("/chat/messages/stream", asked(named, QUESTION))) == []
    chat_id = (await client.conversation(title=None))["uuid"]
    body = asked(chat_id, QUESTION, tokens=40, rate=100)
    async with client.open_stream("/chat/messages/stream", body) as stream:
        await until(stream, "chunk")
        await client.put(f"/chat/conversations/{chat_id}", {"title": "我的"})
        rest = [event async for event in stream]
    assert titles(rest) == []
    assert [await title_of(client, each) for each in (named, chat_id)] == ["我的", "我的"]


async def test_the_model_is_asked_while_it_answers(start_server: StartServer) -> None:
    async with scripted(start_server, SLOW, reply("标题：《安装 Docker》")) as server:
        chat_id, events = await ask(server)
        assert titles(events) == ["安装 Docker"]
        assert await title_of(server.client, chat_id) == "安装 Docker"
        await stored(server.client, chat_id, events)
        await server.client.say(chat_id)
        assert [QUESTION in request["messages"][-1]["content"] for request in server.requests()] == [
            True,
            True,
            False,
        ]


@pytest.mark.parametrize("script", [[Act.HOLD], answer(500, {"error": "no"}), reply("")])
async def test_a_model_that_gives_no_title_does_not_hold_the_reply_up(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch, script: Script
) -> None:
    monkeypatch.setattr(titling, "WAIT_SECONDS", 0.1)
    async with scripted(start_server, reply("好。"), script) as server:
        began = asyncio.get_running_loop().time()
        _, events = await ask(server)
        assert titles(events) == [QUESTION]
        assert asyncio.get_running_loop().time() - began < titling.ASKED_SECONDS - 2
        if script == [Act.HOLD]:
            await asyncio.wait_for(server.upstream.client_closed.wait(), 10)


async def test_titles_on_request(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/chat/utils/generate-title"
    async with scripted(start_server, reply("“安装 Docker”"), [Act.HOLD]) as server:
        client = server.client
        assert (await client.post(path, {"content": QUESTION})).data == {"title": "安装 Docker"}
        monkeypatch.setattr(service, "SECONDS", 0.1)
        late = await client.post(path, {"content": QUESTION * 9, "maxLength": 6})
        assert late.data == {"title": "如何安装…"}
    async with start_server() as client:
        chat_id = (await client.conversation(title="有"))["uuid"]
        assert (await client.post(path, {"chat_id": chat_id})).data == {"title": "新对话"}
        await client.say(chat_id, QUESTION)
        assert (await client.post(path, {"chatId": chat_id})).data == {"title": QUESTION}
        assert await title_of(client, chat_id) == "有"
        for wrong in ({}, {"content": " "}, {"content": "a", "max_length": 0}, {"content": 1}):
            assert (await client.post(path, wrong)).status == 422
