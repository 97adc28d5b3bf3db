"""The system message: a conversation's prompt with its variables, then `system_prompt`."""

from typing import Any

import pytest

from duihua.prompts.filling import MOST_CHARS, fill, missing, names_in
from tests.fixtures.client import Client
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import reply
from tests.generation.asking import Scripted, scripted

TEXT = "你是{{role}}，用{{语言}}回答。"


async def new_prompt(client: Client, **fields: Any) -> int:
    return (await client.post("/chat/prompts", {"title": "a", "content": TEXT} | fields)).data["id"]


async def system_messages(server: Scripted, **fields: Any) -> list[str]:
    """What the upstream is told by the system, asked in a conversation with these fields."""
    await server.reply(**fields)
    messages = server.requests()[-1]["messages"]
    assert all(message["role"] == "user" for message in messages[1:])
    return [message["content"] for message in messages if message["role"] == "system"]


async def test_a_prompt_is_the_system_message(start_server: StartServer) -> None:
    async with scripted(start_server, reply("好")) as server:
        variables = {"role": "译者", "语言": {"default": "英语"}}
        prompt = await new_prompt(server.client, variables=variables)
        assert await system_messages(server) == []
        assert await system_messages(server, prompt_id=prompt) == ["你是译者，用英语回答。"]
        given = {"prompt_variables": {"语言": "法语", "role": None, "other": 1}}
        assert await system_messages(server, prompt_id=prompt, config=given) == ["你是译者，用法语回答。"]
        assert "prompt_variables" not in server.requests()[-1]
        both = given | {"system_prompt": "要简短。{{role}}"}
        assert await system_messages(server, prompt_id=prompt, config=both) == [
            "你是译者，用法语回答。\n\n要简短。{{role}}"
        ]


async def test_a_variable_without_a_value_stays_as_it_is_written(start_server: StartServer) -> None:
    async with scripted(start_server, reply("好")) as server:
        prompt = await new_prompt(server.client, variables=[{"name": "role", "default": "{{语言}}"}, "语言"])
        assert await system_messages(server, prompt_id=prompt) == ["你是{{语言}}，用{{语言}}回答。"]


async def test_a_deleted_prompt_is_no_longer_used(start_server: StartServer) -> None:
    async with scripted(start_server, reply("好")) as server:
        prompt = await new_prompt(server.client, content="一")
        chat = (await server.client.conversation(prompt_id=prompt))["uuid"]
        await server.client.say(chat)
        await server.client.put("/chat/prompts", {"id": prompt, "content": "二"})
        await server.client.say(chat)
        await server.client.delete(f"/chat/prompts/{prompt}")
        await server.client.say(chat)
        told = [request["messages"][0]["content"] for request in server.requests()]
        assert told == ["一", "二", "你好"]


async def test_a_prompt_that_grows_without_bounds_stores_nothing(client: Client) -> None:
    prompt = await new_prompt(client, content="{{a}}" * 1000, variables={"a": "长" * 2000})
    chat = await client.conversation(prompt_id=prompt)
    refused = await client.post("/chat/messages", {"chat_id": chat["uuid"], "content": "你好"})
    assert (refused.status, refused.error) == (413, "prompt_too_long")
    assert await client.messages(chat["uuid"]) == []


@pytest.mark.parametrize(
    ("content", "values", "filled"),
    [
        ("{{a}}{{ b }}{{\tc}}", {"a": 1, "b": True, "c": 0.5}, "1true0.5"),
        ("{{a}}", {"a": "{{b}}", "b": "x"}, "{{b}}"),
        ("{{a}}", {"a": ""}, ""),
        ("{{{a}}}", {"a": "x"}, "{x}"),
        ("{{a b}}{{1}}{{}}{{ }}{{a\n}}{a}{{a}", {"a": "x"}, "{{a b}}{{1}}{{}}{{ }}{{a\n}}{a}{{a}"),
        ("{{a.b}}{{a-b}}{{变量_1}}", {"a.b": 1, "a-b": 2, "变量_1": 3}, "123"),
        ("{{__class__}}{{a.__class__}}", {"a": "x"}, "{{__class__}}{{a.__class__}}"),
        ("%s {0} {a} $a \\1 {% if a %}", {"a": "x"}, "%s {0} {a} $a \\1 {% if a %}"),
        ("{{a}}", {"a": r"\g<1>\1"}, r"\g<1>\1"),
    ],
)
def test_filling_is_plain_substitution(content: str, values: dict[str, Any], filled: str) -> None:
    assert fill(content, values) == filled


def test_what_is_missing_is_told() -> None:
    assert names_in("{{b}}{{a}}{{b}}") == ["b", "a"]
    assert missing("{{b}}{{a}}{{c}}", {"a": "", "b": None}) == ["b", "c"]


def test_filling_a_hostile_text_takes_no_time() -> None:
    assert len(fill("{{" * 100_000 + " " * 200_000 + "{{a" * 100_000, {"a": "x"})) < MOST_CHARS
