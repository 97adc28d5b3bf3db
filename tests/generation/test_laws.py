"""Numbers without gaps, exactly one end, and one text: in its pieces, as a whole and in the database."""

import asyncio

import pytest

from tests.fixtures.client import Client, text_of
from tests.generation.asking import asked
from tests.generation.laws import lawful, stored

SCRIPTS = {
    "nothing to wait for": {"tokens": 50},
    "one word": {"text": "好"},
    "many words": {"tokens": 5000},
    "at a pace": {"tokens": 30, "rate": 300},
    "thoughts first": {"reasoning": "让我想一想。 hmm", "tokens": 20},
    "every kind of character": {
        "text": 'a\n\n\tb\r\u2028\u2029\x85 \u200d👩‍👩‍👧 \U0010ffff\x01"\\/ data: x\n\nid: 9'
    },
    "nothing": {"text": ""},
    "fails at once": {"fail_after": 0},
    "fails in the middle": {"tokens": 50, "fail_after": 20},
    "fails by name": {"tokens": 50, "fail_after": 20, "error": "provider_rate_limited"},
    "fails while thinking": {"reasoning": "one two three four", "fail_after": 2},
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_a_reply_is_lawful_and_stored_as_it_was_shown(
    client: Client, script: dict[str, object]
) -> None:
    chat_id = (await client.conversation())["uuid"]
    events = await client.stream("/chat/messages/stream", asked(chat_id, **script))
    reply = await stored(client, chat_id, events)
    failed = "fail_after" in script
    assert reply["state"] == ("failed" if failed else "complete")
    if "text" in script:
        assert reply["content"] == script["text"]
    if not failed:
        assert events[-1].data["finish_reason"] == reply["finish_reason"] == "stop"
        assert events[-1].data["usage"]["total_tokens"] > 0


async def test_a_reply_tells_how_long_was_thought(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    thinking = asked(chat_id, reasoning="一二三四五六七八九十", text="好", rate=40)
    events = await client.stream("/chat/messages/stream", thinking)
    thought = (await stored(client, chat_id, events))["reasoning_ms"]
    assert 100 < thought < 60_000
    # Where it never came to a word, until it failed.
    events = await client.stream("/chat/messages/stream", asked(chat_id, **SCRIPTS["fails while thinking"]))
    assert (await stored(client, chat_id, events))["reasoning_ms"] >= 0
    events = await client.stream("/chat/messages/stream", asked(chat_id, text="好"))
    assert (await stored(client, chat_id, events))["reasoning_ms"] is None


async def test_a_reply_tells_how_long_it_took(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    events = await client.stream(
        "/chat/messages/stream", asked(chat_id, text="一二三四五六七八九十", rate=40)
    )
    reply = await stored(client, chat_id, events)
    assert 0 <= reply["first_token_ms"] < reply["duration_ms"] < 60_000
    # Ten tokens, 25 ms apart; as long as its question and its end are.
    assert reply["duration_ms"] - reply["first_token_ms"] > 200
    events = await client.stream("/chat/messages/stream", asked(chat_id, fail_after=0))
    failed = await stored(client, chat_id, events)
    assert failed["first_token_ms"] is None
    assert failed["duration_ms"] >= 0
    question = (await client.messages(chat_id))[0]
    assert (question["first_token_ms"], question["duration_ms"]) == (None, None)


async def test_many_replies_at_once_are_lawful_each(client: Client) -> None:
    chats = [(await client.conversation())["uuid"] for _ in range(8)]

    async def one(number: int) -> None:
        chat_id = chats[number % len(chats)]
        script = asked(chat_id, f"{number}", tokens=200, rate=1000 if number % 2 else 0)
        events = await client.stream("/chat/messages/stream", script)
        last = lawful(events)
        assert last["content"] == " ".join(str(n) for n in range(1, 201))
        assert events[0].data["content"] == f"{number}"

    await asyncio.gather(*(one(number) for number in range(40)))
    for chat_id in chats:
        messages = await client.messages(chat_id)
        assert [message["state"] for message in messages] == ["complete"] * 10


async def test_the_answer_without_a_stream_is_the_same(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    answer = await client.post("/chat/messages", asked(chat_id, "说吧", tokens=50))
    replayed = await client.stream(f"/chat/messages/stream/{answer.data['task_id']}")
    reply = await stored(client, chat_id, replayed)
    assert answer.data["reply"] == reply
    assert answer.data["message_id"] == replayed[0].data["message_id"]


async def test_every_way_to_begin_a_reply_streams(client: Client) -> None:
    chat_id = (await client.conversation())["uuid"]
    first = await client.stream("/chat/messages", asked(chat_id, tokens=3) | {"stream": True})
    again = await client.stream(
        "/chat/messages/regenerate",
        {"chat_id": chat_id, "message_id": first[-1].data["message_id"], "stream": True}
        | {"config": {"offline": {"tokens": 4, "rate": 0}}},
    )
    await client.put(f"/chat/conversations/{chat_id}", {"config": {"offline": {"tokens": 5, "rate": 0}}})
    question = first[0].data["message_id"]
    async with client.session.put(
        f"{client.origin}/chat/messages/{question}",
        json={"content": "不如这样问", "branch": True, "stream": True},
    ) as response:
        edited = await client.stream(f"/chat/messages/stream/{response.headers['X-Task-ID']}")
    for events, tokens in ((first, 3), (again, 4), (edited, 5)):
        lawful(events)
        assert text_of(events) == " ".join(str(n) for n in range(1, tokens + 1))
    assert again[0].data == first[0].data
    assert edited[0].data["content"] == "不如这样问"
