"""More of a reply that was cut off: another version, which begins with its text."""

import pytest

from tests.fixtures.client import Client, text_of
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import DONE, Script, delta, head, reply
from tests.generation.asking import Scripted, scripted
from tests.generation.laws import lawful, stored

_CUT: Script = [head() + delta("床前明月")]
_THOUGHT_AND_CUT: Script = [head() + delta(reasoning_content="想") + delta("床前明月")]


async def _goes_on(it: Scripted, chat_id: str, message_id: str, **fields: object) -> dict[str, object]:
    wanted = {"chat_id": chat_id, "message_id": message_id, "continue_reply": True, "stream": True}
    events = await it.client.stream("/chat/messages/regenerate", wanted | fields)
    lawful(events)
    said = await stored(it.client, chat_id, events)
    assert text_of(events) == said["content"]
    return said


async def test_the_model_is_asked_for_the_rest(start_server: StartServer) -> None:
    async with scripted(start_server, _CUT, reply("光")) as it:
        chat_id, events = await it.reply("背一首诗")
        said = await _goes_on(it, chat_id, events[-1].data["message_id"])
        assert (said["content"], said["state"]) == ("床前明月光", "complete")
        *asked, begun, wish = it.requests()[-1]["messages"]
        assert asked == it.requests()[0]["messages"]
        assert begun == {"role": "assistant", "content": "床前明月"}
        assert (wish["role"], "不要重复" in wish["content"]) == ("user", True)
        listed = await it.client.messages(chat_id)
        assert [each["content"] for each in listed] == ["背一首诗", "床前明月光"]
        assert listed[-1]["version"]["count"] == 2
        found = (await it.client.get("/chat/search?keyword=明月光")).data["messages"]
        assert [hit["uuid"] for hit in found] == [said["uuid"]]


async def test_cut_again_it_keeps_both_parts_and_the_thoughts(start_server: StartServer) -> None:
    async with scripted(start_server, _THOUGHT_AND_CUT, _CUT, [head() + DONE]) as it:
        chat_id, events = await it.reply()
        said = await _goes_on(it, chat_id, events[-1].data["message_id"])
        assert (said["content"], said["reasoning"], said["state"]) == ("床前明月床前明月", "想", "failed")
        said = await _goes_on(it, chat_id, str(said["uuid"]))
        assert (said["content"], said["reasoning"], said["state"]) == ("床前明月床前明月", "想", "failed")


async def test_the_offline_model_says_the_rest(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    whole = (await client.say(chat_id, "说", config={"offline": {"tokens": 50, "rate": 0}}))["reply"]
    failing = {"offline": {"tokens": 50, "rate": 0, "fail_after": 20}}
    cut = (await client.say(chat_id, "说", config=failing))["reply"]
    assert whole["content"].startswith(cut["content"])
    body = {"chat_id": chat_id, "message_id": cut["uuid"], "continueReply": True}
    rest = await client.post(
        "/chat/messages/regenerate", body | {"config": {"offline": {"tokens": 50, "rate": 0}}}
    )
    assert rest.data["reply"]["content"] == whole["content"]
    # The offline model counts what it says: what there was, by estimate, and the thirty words after it.
    assert rest.data["reply"]["token_count"] == cut["token_count"] + 30


@pytest.mark.parametrize("which", ["question", "empty"])
async def test_what_has_no_beginning_is_refused(client: Client, which: str) -> None:
    chat_id = (await client.conversation())["uuid"]
    script = {"offline": {"error": "provider_error", "fail_after": 0}}
    said = await client.say(chat_id, config=script)
    named = said["message_id"] if which == "question" else said["reply"]["uuid"]
    body = {"chat_id": chat_id, "message_id": named, "continue_reply": True}
    refused = await client.post("/chat/messages/regenerate", body)
    assert (refused.status, refused.error) == (409, "nothing_to_continue")
    assert len(await client.messages(chat_id)) == 2


async def test_a_continued_reply_is_titled_by_the_question(start_server: StartServer) -> None:
    async with scripted(start_server, _CUT, reply("光"), reply("静夜思")) as it:
        chat_id, events = await it.reply("背一首诗")
        await it.client.put(f"/chat/conversations/{chat_id}", {"title": None})
        await _goes_on(it, chat_id, events[-1].data["message_id"])
        wishes = [request["messages"][-1]["content"] for request in it.requests()]
        assert ["背一首诗" in wish for wish in wishes] == [True, False, True]
        assert (await it.client.get(f"/chat/conversations/{chat_id}")).data["title"] == "静夜思"


async def test_without_a_model_the_question_is_its_title(client: Client) -> None:
    chat_id = (await client.conversation(title=None))["uuid"]
    script = {"tokens": 50, "rate": 0}
    cut = (await client.say(chat_id, "背一首诗", config={"offline": script | {"fail_after": 20}}))["reply"]
    await client.put(f"/chat/conversations/{chat_id}", {"title": None})
    body = {"chat_id": chat_id, "message_id": cut["uuid"], "continue_reply": True}
    await client.post("/chat/messages/regenerate", body | {"config": {"offline": script}})
    assert (await client.get(f"/chat/conversations/{chat_id}")).data["title"] == "背一首诗"
